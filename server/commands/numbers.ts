import { InvalidArgumentError } from 'commander'

/** Parses an option that is a whole number from 1. @throws {InvalidArgumentError} */
export const fromOne = (value: string) => parseNumber(value, 1)
/** Parses an option that is a whole number from 0. @throws {InvalidArgumentError} */
export const fromZero = (value: string) => parseNumber(value, 0)

/** Parses an option that is a number above 0. @throws {InvalidArgumentError} */
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
