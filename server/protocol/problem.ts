import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { ERRORS, type ErrorCode, type ErrorDescription } from './error-codes.ts'

/** Reason phrases of RFC 9110, section 15, for the statuses of the catalogue; 429 is RFC 6585's. */
const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const satisfies Record<(typeof ERRORS)[ErrorCode][0], string>

/** The title of a problem of type `about:blank`: the reason phrase of its status (RFC 9457, section 4.2.1). */
export const titleOf = (status: number): string => TITLES[status as keyof typeof TITLES] ?? 'Error'

const descriptionOf = (code: ErrorCode): ErrorDescription => ERRORS[code]

/** HTTP status of an error. */
export const statusOf = (code: ErrorCode): number => descriptionOf(code)[0]

/** Further members of an error's problem document, by name. */
export const membersOf = (code: ErrorCode): Readonly<Record<string, TSchema>> => descriptionOf(code)[2] ?? {}

const CORE = {
  type: Type.Literal('about:blank'),
  title: Type.String({ description: 'the reason phrase of the status', examples: ['Conflict'] }),
  status: Type.Integer({ description: 'the HTTP status', examples: [409] }),
  detail: Type.String({ description: 'for a person: what was wrong, and what to do' }),
  code: Type.String({ description: 'stable: clients compare it', examples: ['order.illegal_transition'] }),
}

const further: Record<string, TSchema> = Object.assign(
  {},
  ...Object.keys(ERRORS).map((code) => membersOf(code as ErrorCode)),
)

/** A problem document (RFC 9457), with the further members that some errors have. `code` distinguishes problems. */
export const Problem = Type.Object(
  { ...CORE, ...Object.fromEntries(Object.entries(further).map(([name, schema]) => [name, Type.Optional(schema)])) },
  { title: 'Problem', description: 'RFC 9457. `code` is stable: clients compare it.' },
)

/** A problem document: the members that all have, and further ones. */
export type Problem = Static<typeof CORE_SCHEMA> & Readonly<Record<string, unknown>>

const CORE_SCHEMA = Type.Object(CORE)

/** The problem document of one error, to the letter: no member may be missing, and none may be added. */
export const problemSchema = (code: ErrorCode) =>
  Type.Object(
    {
      ...CORE,
      title: Type.Literal(titleOf(statusOf(code))),
      status: Type.Literal(statusOf(code)),
      detail: Type.String({ minLength: 1 }),
      code: Type.Literal(code),
      ...membersOf(code),
    },
    { additionalProperties: false },
  )

/** An example of an error's problem document, with the examples of its further members. */
export function problemExample(code: ErrorCode): Problem {
  const [status, detail] = descriptionOf(code)
  const members = Object.entries(membersOf(code)).map(([name, schema]) => [name, schema.examples[0]])
  return { type: 'about:blank', title: titleOf(status), status, detail, code, ...Object.fromEntries(members) }
}
