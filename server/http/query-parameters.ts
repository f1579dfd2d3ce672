import { AppError } from '../platform/errors.ts'

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

/** Edits that still count as a misspelling. */
const MAX_DISTANCE = 2

/** The name with the fewest edits, ignoring case and punctuation; `undefined` when all have too many. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = plainName(name.slice(0, 80))
  const [best] = known
    .map((candidate) => ({ candidate, distance: editDistance(plain, plainName(candidate)) }))
    .sort((left, right) => left.distance - right.distance)
  return best !== undefined && best.distance <= MAX_DISTANCE && best.distance < plain.length
    ? best.candidate
    : undefined
}

const plainName = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Insertions, deletions and replacements of a character that turn one text into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let index = 1; index <= from.length; index++) {
    const next = [index]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] as number) + (from[index - 1] === to[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[column] as number) + 1, (next[column - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
