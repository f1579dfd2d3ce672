import { AppError } from '../platform/errors.ts'
import { nearest } from './nearest.ts'

/** The query parameters of a resource. */
export interface KnownParameters {
  /** Parameters that may be given once. */
  single: readonly string[]
  /** Parameters that may be given any number of times. */
  repeatable: readonly string[]
  /** A sentence of the error, on where other parameters belong. Defaults to none. */
  more?: string
}

/**
 * Refuses parameters that would otherwise be ignored without notice: an unknown one, such as `channels` for `channel`, and a
 * second value of one that has a single value.
 *
 * @throws {AppError} `parameter.unknown` with the nearest name, `parameter.repeated`
 */
export function checkParameters(query: URLSearchParams, { single, repeatable, more }: KnownParameters): void {
  const known = [...single, ...repeatable]
  for (const name of query.keys()) if (!known.includes(name)) throw unknown(name, known, more)
  checkRepetition(query, (name) => single.includes(name))
}

/**
 * Refuses a second value of a parameter that has a single value.
 *
 * @param isSingle whether a parameter has a single value. Defaults to all
 * @throws {AppError} `parameter.repeated`
 */
export function checkRepetition(query: URLSearchParams, isSingle: (name: string) => boolean = () => true): void {
  const seen = new Set<string>()
  for (const name of query.keys()) {
    if (seen.has(name) && isSingle(name)) throw repeated(name.slice(0, 80))
    seen.add(name)
  }
}

const repeated = (name: string) =>
  new AppError('parameter.repeated', `The parameter ${name} has one value, and this request has several.`, {
    extensions: { parameter: name },
  })

function unknown(name: string, known: readonly string[], more: string | undefined): AppError {
  const advice = more === undefined ? '' : ` ${more}`
  const suggestion = nearest(name, known)
  const hint = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`
  return new AppError(
    'parameter.unknown',
    `There is no parameter ${JSON.stringify(name.slice(0, 80))} here.${hint} ${known.length > 0 ? `There are ${known.join(', ')}.` : 'There are none.'}${advice}`,
    { extensions: { parameter: name.slice(0, 80), ...(suggestion !== undefined && { suggestion }) } },
  )
}
