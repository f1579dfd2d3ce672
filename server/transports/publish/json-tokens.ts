/** Bytes of JSON (RFC 8259). */
export const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const PLUS = 0x2b
const DOT = 0x2e
const ZERO = 0x30
const LOWER_E = 0x65
const UPPER_E = 0x45
const LOWER_U = 0x75
const FIRST_PRINTABLE = 0x20

/** Escapes of one character, after the backslash. */
const SHORT_ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'))

/** The literals by their first byte. */
const LITERALS: Readonly<Record<number, Uint8Array>> = {
  116: Buffer.from('true'),
  102: Buffer.from('false'),
  110: Buffer.from('null'),
}

/** An error with the byte that no JSON text has at that place. */
export function unexpectedByte(bytes: Uint8Array, at: number): SyntaxError {
  const byte = bytes[at]
  if (byte === undefined) return new SyntaxError('it ends too early')
  const character = byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte ${byte}`
  return new SyntaxError(`unexpected ${character} at byte ${at}`)
}

/** The end of the literal or number that begins at `at`. @throws {SyntaxError} when it is neither */
export function endOfPrimitive(bytes: Uint8Array, at: number): number {
  const literal = LITERALS[bytes[at] as number]
  return literal ? endOfLiteral(bytes, at, literal) : endOfNumber(bytes, at)
}

/** A part of a string. */
export interface StringPart {
  /** The byte after the part. */
  at: number
  /** Whether the part ends with the closing quote. */
  isClosed: boolean
}

/**
 * Scans a string up to its closing quote, or until `limit` is reached between two characters. An escape at the limit is
 * scanned as a whole.
 *
 * @throws {SyntaxError} at a control character or an invalid escape
 */
export function scanString(bytes: Uint8Array, start: number, limit: number): StringPart {
  let at = start
  while (at < limit) {
    const byte = bytes[at] as number
    if (byte === QUOTE) return { at: at + 1, isClosed: true }
    if (byte < FIRST_PRINTABLE) throw unexpectedByte(bytes, at)
    at = byte === BACKSLASH ? endOfEscape(bytes, at) : at + 1
  }
  return { at, isClosed: false }
}

function endOfEscape(bytes: Uint8Array, at: number): number {
  const byte = bytes[at + 1]
  if (byte !== LOWER_U) {
    if (byte === undefined || !SHORT_ESCAPES.has(byte)) throw unexpectedByte(bytes, at)
    return at + 2
  }
  for (let digit = at + 2; digit < at + 6; digit++) {
    if (!isHexDigit(bytes[digit])) throw unexpectedByte(bytes, digit)
  }
  return at + 6
}

function endOfLiteral(bytes: Uint8Array, start: number, literal: Uint8Array): number {
  let at = start
  for (const byte of literal) {
    if (bytes[at] !== byte) throw unexpectedByte(bytes, at)
    at++
  }
  return at
}

function endOfNumber(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start
  at = bytes[at] === ZERO ? at + 1 : endOfDigits(bytes, at)
  if (bytes[at] === DOT) at = endOfDigits(bytes, at + 1)
  if (bytes[at] !== LOWER_E && bytes[at] !== UPPER_E) return at
  const sign = bytes[at + 1]
  return endOfDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1)
}

/** At least one digit. */
function endOfDigits(bytes: Uint8Array, start: number): number {
  let at = start
  while (isDigit(bytes[at])) at++
  if (at === start) throw unexpectedByte(bytes, at)
  return at
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39
const isHexDigit = (byte: number | undefined) =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
