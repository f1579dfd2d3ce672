import { Value } from '@sinclair/typebox/value'
import { ERRORS, type ErrorCode } from '../protocol/error-codes.ts'
import { problemSchema, statusOf } from '../protocol/problem.ts'

/** What the check reads of the OpenAPI document: the codes of an operation's problems are the names of their examples. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>
}

interface Operation {
  responses: Record<string, { content?: Record<string, { examples?: Record<string, unknown> }> }>
}

/** A response whose type is `application/problem+json`. */
export interface ProblemResponse {
  method: string
  path: string
  status: number
  /** Its body; empty when there is none. */
  text: string
}

/** Errors of requests that no documented operation handles: another path, another method, a page of a foreign origin. */
const OUTSIDE: readonly ErrorCode[] = [
  'host.invalid',
  'host.unknown',
  'method.not_allowed',
  'origin.foreign',
  'parameter.repeated',
  'route.unknown',
]

/**
 * What is wrong with a problem document: members that are missing, unknown, or of another type; a code or status that the
 * catalogue does not have, or that the operation does not document.
 *
 * @param document without it, operations are not checked
 */
export function problemViolations(response: ProblemResponse, document: OpenApi | undefined): string[] {
  const { method, path, status, text } = response
  const place = `${method} ${path}: ${status}`
  if (text === '') return []
  const problem = parse(text)
  const code = problem?.code
  if (typeof code !== 'string' || !isKnown(code)) return [`${place}: the catalogue has no such code: ${text}`]
  const wrong = [...Value.Errors(problemSchema(code), problem)].map(
    ({ path: member, message }) => `${place} ${code}: ${member || '/'}: ${message} in ${text}`,
  )
  if (status !== statusOf(code)) wrong.push(`${place} ${code}: the catalogue says ${statusOf(code)}`)
  if (document && !isDocumented(document, response, code)) {
    wrong.push(`${place} ${code}: the operation does not document it`)
  }
  return wrong
}

const isKnown = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code)

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isDocumented(document: OpenApi, { method, path, status }: ProblemResponse, code: ErrorCode): boolean {
  const found = operationOf(document, method, path)
  if (!found) return OUTSIDE.includes(code)
  return (
    document.paths[found.path]?.[found.method]?.responses[status]?.content?.['application/problem+json']?.examples?.[
      code
    ] !== undefined
  )
}

/**
 * The operation of a document that handles a request, as the document names it: HEAD may be handled by GET. A path without
 * parameters comes before one that has some.
 *
 * @returns `undefined` when none does
 */
export function operationOf(
  { paths }: Pick<OpenApi, 'paths'>,
  method: string,
  path: string,
): { method: string; path: string } | undefined {
  const segments = path.replace(/(.)\/$/, '$1').split('/')
  const [template] = Object.keys(paths)
    .filter((candidate) => fits(candidate.split('/'), segments))
    .sort((one, other) => one.split('{').length - other.split('{').length)
  if (template === undefined) return undefined
  const candidates = method.toUpperCase() === 'HEAD' ? ['head', 'get'] : [method.toLowerCase()]
  const handler = candidates.find((candidate) => paths[template]?.[candidate])
  return handler === undefined ? undefined : { method: handler, path: template }
}

const fits = (template: readonly string[], segments: readonly string[]) =>
  template.length === segments.length &&
  template.every((part, index) => part === segments[index] || (part.startsWith('{') && segments[index] !== ''))
