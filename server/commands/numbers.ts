import { InvalidArgumentError } from 'commander'

/** Parsers of options that are numbers. */
export const fromOne = (value: string) => parseNumber(value, 1)
export const fromZero = (value: string) => parseNumber(value, 0)

export function aboveZero(value: string): number {
  const number = Number(value)
  if (number > 0 && Number.isFinite(number)) return number
  throw new InvalidArgumentError('It is a number above 0.')
}

function parseNumber(value: string, min: number): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= min) return number
  throw new InvalidArgumentError(`It is a whole number from ${min}.`)
}
