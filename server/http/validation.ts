import { FormatRegistry } from '@sinclair/typebox'
import type { ValueError, ValueErrorIterator } from '@sinclair/typebox/errors'
import type { ValidationError } from 'elysia'
import { AppError } from '../platform/errors.ts'
import { urlOf } from './request-url.ts'

// Elysia accepts as an integer of an address whatever `Number()` accepts, such as 0x10, 1e3, +5 or 01.
FormatRegistry.Set('integer', (text) => /^(?:0|[1-9]\d{0,15})$/.test(text))

/** A compiled schema, of TypeBox or of Elysia. */
interface Validator {
  Errors(value: unknown): ValueErrorIterator
}

/**
 * The error of a value that does not fit its schema: `request.invalid`, with the first violation and its path.
 *
 * @param place of the value, such as `body`
 */
export function invalidValue(validator: Validator, value: unknown, place: string): AppError {
  const { path, message } = firstProblem(validator, value) ?? { path: '', message: NOT_VALID }
  return invalid(place, path, message)
}

/** The error of a request that Elysia found invalid: `request.invalid`, with the first violation and its path. */
export function invalidRequest(error: ValidationError, request: Request): AppError {
  const { path: inside, message } = explain(error)
  const { type, path } = error.type === 'property' ? numberIn(request, error.value) : { type: error.type, path: inside }
  return invalid(type, path, message)
}

function invalid(type: string, path: string, message: string): AppError {
  const place = [type, path].filter(Boolean).join(' ')
  return new AppError('request.invalid', `${place}: ${message}.`, { extensions: { in: type, path } })
}

/** Elysia reports that a number of an address is out of range, but not which number. */
function numberIn(request: Request, value: unknown): { type: string; path: string } {
  const parameter = [...urlOf(request).searchParams].find(([, text]) => Number(text) === value)
  return parameter ? { type: 'query', path: parameter[0] } : { type: 'params', path: 'id' }
}

function explain(error: ValidationError): { path: string; message: string } {
  return (
    ('Errors' in error.validator ? firstProblem(error.validator as Validator, error.value) : undefined) ??
    elysias(error)
  )
}

function firstProblem(validator: Validator, value: unknown): { path: string; message: string } | undefined {
  const first = validator.Errors(value).First()
  if (!first) return undefined
  const { path, message } = innermost(first)
  // The path holds names that the client chose.
  return { path: path.slice(1, MAX_PATH).replaceAll('/', '.'), message }
}

const NOT_VALID = 'It is not valid'

/** Most characters of a path in an error. */
const MAX_PATH = 200

/** Most violations of one variant of a union that are examined. */
const MAX_PROBLEMS = 100

/** Elysia's own message, for a value that it converted before the check, such as a number of an address. */
function elysias({ all: [problem] }: ValidationError): { path: string; message: string } {
  const path = problem && 'path' in problem ? problem.path : ''
  const message = problem && 'summary' in problem && problem.summary ? problem.summary : NOT_VALID
  return { path: path.slice(1).replaceAll('/', '.'), message }
}

/** A message without regular expressions and names of formats: the description of the schema instead. */
function plainly({ schema, message }: ValueError): string {
  if (schema.pattern !== undefined && schema.description) return `Expected ${schema.description}`
  return schema.format === 'integer' ? 'Expected a whole number, in decimal digits only' : message
}

/**
 * The innermost violation. Of a union, TypeBox only reports that no variant fits. The intended variant is the one whose
 * constants fit, such as `kind: "demo"`; when there is none, the constants are the violation.
 */
function innermost(error: ValueError): { path: string; message: string } {
  if (error.errors.length === 0) return { path: error.path, message: plainly(error) }
  const variants = error.errors.map((variant) => Iterator.from(variant).take(MAX_PROBLEMS).toArray())
  const meant = variants.find((problems) => problems.every(({ schema }) => schema.const === undefined))
  if (meant?.[0]) return innermost(meant[0])
  const constants = variants.flatMap((problems) => problems.find(({ schema }) => schema.const !== undefined) ?? [])
  const values = [...new Set(constants.map(({ schema }) => JSON.stringify(schema.const)))]
  return { path: constants[0]?.path ?? error.path, message: `Expected ${values.join(' or ')}` }
}
