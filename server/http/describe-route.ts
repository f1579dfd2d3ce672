import type { OpenAPIV3 } from 'openapi-types'
import type { ErrorCode } from '../protocol/error-codes.ts'
import { NAME_PATTERN, TOKEN_PATTERN } from '../protocol/names.ts'
import { problemExample, statusOf } from '../protocol/problem.ts'

type Header = keyof typeof HEADERS

/** Request headers, each with a description, an example, and the pattern of its values, if there is one. */
const HEADERS = {
  'X-User': [
    'On a server without keys only: the user who acts; defaults to guest. With keys, the credential names the user.',
    'alice',
    TOKEN_PATTERN,
  ],
  'X-Client-Id': ['The page that causes the change: its own streams leave the event out.', 'page-7', NAME_PATTERN],
  'Idempotency-Key': [
    'Requests with the same key create one thing: repeat the request with its key when no response arrived.',
    'a1b2c3',
    NAME_PATTERN,
  ],
  'If-Match': [
    'ETag of the version that was read: if it has been changed since, the response is 412.',
    '"3"',
    '^(?:\\*|"\\d+"(?: *, *"\\d+")*)$',
  ],
  Prefer: ['`wait=30`: seconds that a page waits for events (RFC 7240).', 'wait=30', null],
  'Last-Event-ID': [
    'Cursor: events after this ID, or `earliest`. Browsers send it when they reconnect.',
    '42-k3f9',
    null,
  ],
} as const satisfies Record<string, readonly [description: string, example: string, pattern: string | null]>

const RESPONSE_HEADERS = {
  'X-Cursor': 'The cursor at which this was read: stream after it to miss nothing.',
  ETag: 'The version, for If-Match.',
  Link: 'The next page, with `rel="next"` (RFC 8288); missing on the last.',
  Location: 'The path of the created resource.',
  'Set-Cookie': 'The session, or its end.',
} as const

/** What a route adds to its schemas in the OpenAPI document. */
export interface Documentation {
  /** A few words. */
  summary: string
  description?: string
  headers?: readonly Header[]
  /** Errors besides those of all routes and of routes with a schema; see `api/openapi.ts`. */
  errors?: readonly ErrorCode[]
  /** Headers of the response when the request succeeds. */
  responseHeaders?: readonly (keyof typeof RESPONSE_HEADERS)[]
  /** Members of the operation that the schemas of the route do not give. */
  operation?: Partial<OpenAPIV3.OperationObject>
}

const PROBLEM = { $ref: '#/components/schemas/Problem' } as OpenAPIV3.ReferenceObject

/** Errors of every route that reads a body. */
export const RECEIVING: readonly ErrorCode[] = ['body.aborted', 'body.overloaded', 'body.too_many', 'body.too_slow']

/**
 * The `detail` of an Elysia route. Members that begin with `x-` are read by `api/openapi.ts`, and are not in the document.
 */
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

const field = (description: string, example: string) => ({ description, schema: { type: 'string' as const }, example })

/** Fields of every 429 (draft-ietf-httpapi-ratelimit-headers-10). */
const LIMIT_FIELDS = {
  'Retry-After': field('Seconds after which the request may be sent again.', '2'),
  'RateLimit-Policy': field(
    'The limit: `q` is the most in `w` seconds; without `w`, the most that may be under way at once.',
    '"publish";q=1000;w=10',
  ),
  RateLimit: field(
    'What is left of it: `r`, and the seconds `t` after which all of it is available again.',
    '"publish";r=0;t=10',
  ),
}

/** The responses of some errors, by status: errors of one status share a response, in which each has an example. */
export function problemsOf(codes: readonly ErrorCode[]): Record<string, OpenAPIV3.ResponseObject> {
  const statuses = Map.groupBy([...new Set(codes)].sort(), (code) => String(statusOf(code)))
  return Object.fromEntries(
    [...statuses].map(([status, of]) => [
      status,
      {
        ...(status === '429' && { headers: LIMIT_FIELDS }),
        description: of.map((code) => `\`${code}\`: ${problemExample(code).detail}`).join('\n\n'),
        content: {
          'application/problem+json': {
            schema: PROBLEM,
            examples: Object.fromEntries(of.map((code) => [code, { value: problemExample(code) }])),
          },
        },
      },
    ]),
  )
}
