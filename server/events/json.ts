// A number that may not come out as it went in: many digits, a fraction, an exponent, a negative zero.
const DELICATE_NUMBER = /\d{16}|\d\.\d|\d[eE]|-0/

/** `JSON.parse`'s third reviver argument (ECMA-262, "JSON.parse source text access"). */
type WithSource = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

declare global {
  interface JSON {
    /** A value that `JSON.stringify` writes as the given text (ECMA-262, 25.5.3). */
    rawJSON(text: string): object
  }
}

/**
 * `JSON.parse` whose numbers come out of `JSON.stringify` as they went in: `12345678901234567890`, `1e400` and `1.10`
 * keep their text.
 *
 * @throws {SyntaxError}
 */
export function parseJsonKeepingNumbers(text: string): unknown {
  // The reviver costs several times the parsing; few texts need it.
  if (!DELICATE_NUMBER.test(text)) return JSON.parse(text)
  const keepNumber: WithSource = (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value
  return JSON.parse(text, keepNumber as Parameters<typeof JSON.parse>[1])
}
