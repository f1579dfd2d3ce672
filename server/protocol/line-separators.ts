/**
 * U+0085, U+2028 and U+2029: text in JSON and on an event stream (WHATWG HTML, 9.2.6), but ends of a line for clients that
 * divide the stream as Python's `str.splitlines` does, `httpx-sse` before 0.4.2 among them. There, data could forge fields.
 */
const SEPARATORS = /[\u0085\u2028\u2029]/

/**
 * The same JSON with each of these separators as `\uXXXX`; in valid JSON they stand only within texts. Plain replacements take
 * 15 ms for a mebibyte of separators, a regular expression ten times as long.
 */
export const escapeSeparators = (json: string): string =>
  SEPARATORS.test(json)
    ? json.replaceAll('\u0085', '\\u0085').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
    : json
