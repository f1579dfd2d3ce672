import { stringify } from 'csv-stringify/sync'

/** What divides cells in some locale: a file with commas may be opened as one with semicolons. */
const SEPARATOR = '[,;\\t\\r\\n]'
/** What a spreadsheet skips at the beginning of a cell, quotes whose role depends on the separator too. */
const FILL = '["\\p{Zs}]*'
/** What makes a cell a formula (OWASP, CSV injection), also in full width. */
const FORMULA = '[=+\\-@＝＋－＠]'
/** A signed number that fills its cell: it is no formula, and has to stay a number. */
const NUMBER = `[+-]?\\d+(?:\\.\\d+)?${FILL}(?:${SEPARATOR}|$)`

const DANGEROUS = new RegExp(`(^|${SEPARATOR})(${FILL})(?='*${FORMULA})(?!'*${NUMBER})`, 'gu')
const MARKED = new RegExp(`(^|${SEPARATOR})(${FILL})'(?='*${FORMULA})(?!'*${NUMBER})`, 'gu')

/**
 * Text that no spreadsheet takes for a formula, whatever it divides cells by: an apostrophe stands before each character
 * that would begin one, at the beginning and after each comma, semicolon, tab and line break. Plain numbers such as `-5`
 * stay as they are. {@link unmarkFormulas} takes the apostrophes out again.
 */
export const markFormulas = (text: string): string => text.replace(DANGEROUS, "$1$2'")

/** The text that {@link markFormulas} was given. A text that was never marked loses apostrophes before formulas too. */
export const unmarkFormulas = (text: string): string => text.replace(MARKED, '$1$2')

/** Rows as CSV (RFC 4180) for spreadsheets: no text in them is a formula. Each row ends in a line feed. */
export const toCsv = (rows: readonly (readonly (string | number)[])[]): string =>
  stringify(
    rows.map((row) => row.map((cell) => (typeof cell === 'string' ? markFormulas(cell) : cell))),
    { quoted_match: /[;\t]/ },
  )
