import type { OpenAPIV3 } from 'openapi-types'
import { UNSAFE_CHARACTERS } from '../protocol/names.ts'
import { ERRORS, type ErrorCode } from '../protocol/error-codes.ts'
import { TOKEN_PATTERN } from '../protocol/schema.ts'

type Header = keyof typeof HEADERS

/** What a client names: its page, or a request. */
export const NAME_PATTERN = `^[^${UNSAFE_CHARACTERS}]{1,255}$`

/** Of each: its description, an example, and the pattern of its values, if they have one. */
const HEADERS = {
  'X-User': ['Who acts; defaults to guest. There is no access control yet.', 'alice', TOKEN_PATTERN],
  'X-Client-Id': ['The page that causes the change: its own streams leave the event out.', 'page-7', NAME_PATTERN],
  'Idempotency-Key': [
    'Requests with the same key create one thing; send it again when there was no answer.',
    'a1b2c3',
    NAME_PATTERN,
  ],
  'If-Match': [
    'ETag of what was read: if it was changed since, the answer is 412.',
    '"3"',
    '^(?:\\*|"\\d+"(?: *, *"\\d+")*)$',
  ],
  'Last-Event-ID': ['Cursor: events after this id, or `earliest`. Browsers send it when they reconnect.', '42', null],
} as const satisfies Record<string, readonly [description: string, example: string, pattern: string | null]>

const RESPONSE_HEADERS = {
  'X-Cursor': 'The position of the log at which this was read: stream after it to miss nothing.',
  ETag: 'The version, for If-Match.',
  Location: 'Where the new thing is.',
} as const

export interface Documentation {
  /** A few words. */
  summary: string
  description?: string
  headers?: readonly Header[]
  /** Besides those that every route with a schema has. */
  errors?: readonly ErrorCode[]
  /** Of the answer when it goes well. */
  responseHeaders?: readonly (keyof typeof RESPONSE_HEADERS)[]
  /** What the schemas of the route do not tell. */
  operation?: Partial<OpenAPIV3.OperationObject>
}

const PROBLEM = { $ref: '#/components/schemas/Problem' } as OpenAPIV3.ReferenceObject

/** Errors of every route that reads a body. */
export const RECEIVING: readonly ErrorCode[] = ['body.aborted', 'body.overloaded', 'body.too_many', 'body.too_slow']

/** What the OpenAPI document says of a route, besides its schemas. */
export function detail({
  summary,
  description,
  headers = [],
  errors = [],
  responseHeaders = [],
  operation = {},
}: Documentation) {
  return {
    summary,
    ...(description !== undefined && { description }),
    ...operation,
    'x-parameters': [...(operation.parameters ?? []), ...headers.map(parameterOf)],
    'x-responses': { ...operation.responses, ...problemsOf(errors) },
    'x-response-headers': Object.fromEntries(
      responseHeaders.map((name) => [name, { description: RESPONSE_HEADERS[name], schema: { type: 'string' } }]),
    ),
  }
}

const parameterOf = (name: Header): OpenAPIV3.ParameterObject => {
  const [description, example, pattern] = HEADERS[name]
  return { name, in: 'header', description, schema: { type: 'string', ...(pattern && { pattern }) }, example }
}

/** The answers of one status share one entry; each code has an example. */
export function problemsOf(codes: readonly ErrorCode[]): Record<string, OpenAPIV3.ResponseObject> {
  const statuses = Map.groupBy([...new Set(codes)].sort(), (code) => String(ERRORS[code][0]))
  return Object.fromEntries(
    [...statuses].map(([status, of]) => [
      status,
      {
        description: of.map((code) => `\`${code}\`: ${ERRORS[code][1]}`).join('\n\n'),
        content: {
          'application/problem+json': {
            schema: PROBLEM,
            examples: Object.fromEntries(of.map((code) => [code, { value: exampleOf(code) }])),
          },
        },
      },
    ]),
  )
}

const exampleOf = (code: ErrorCode) => {
  const [status, detail] = ERRORS[code]
  return { type: 'about:blank', title: TITLES[status], status, detail, code }
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}
