/**
 * What no channel, type, key, client ID or user may hold, as the inside of a character class: control characters (C0, DEL,
 * C1), which terminals execute; line and paragraph separators; and marks that change the direction of writing, by which a
 * name looks like another (Unicode Technical Report 36, section 3.2). migrations/0010_sql_trust_boundary.sql has the same
 * for those who publish from SQL.
 */
export const UNSAFE_CHARACTERS = String.raw`\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069`

const UNSAFE = new RegExp(`[${UNSAFE_CHARACTERS}]`)
const EACH_UNSAFE = new RegExp(UNSAFE, 'g')

export const isSafe = (text: string): boolean => !UNSAFE.test(text)

/** A refused value as an error may show it: as JSON, unsafe characters as `\uXXXX`, cut after 80 characters. */
export const shown = (value: unknown): string =>
  (JSON.stringify(value) ?? 'undefined')
    .slice(0, 80)
    .replace(EACH_UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
