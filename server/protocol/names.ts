import { MAX_NAME_LENGTH, MAX_TOKEN_LENGTH } from './limits.ts'

/**
 * The characters that no channel, type, key, client ID or user may hold, as the inside of a character class: control
 * characters (C0, DEL, C1), which terminals execute; line and paragraph separators; and marks that change the direction of
 * writing, by which a name looks like another (Unicode Technical Report 36, section 3.2).
 * migrations/0010_sql_trust_boundary.sql has the same list for clients that publish from SQL.
 */
export const UNSAFE_CHARACTERS = String.raw`\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069`

/** A character of a channel's token, as a regular expression: also without the space and the characters of patterns. */
export const TOKEN_CHARACTER = `[^${UNSAFE_CHARACTERS} .*>]`

/** Pattern (JSON Schema) of a name that is a token of channels, such as `alice` in `orders.alice.17`. */
export const TOKEN_PATTERN = `^${TOKEN_CHARACTER}{1,${MAX_TOKEN_LENGTH}}$`

/** Pattern (JSON Schema) of an event's type, an idempotency key or a client ID. */
export const NAME_PATTERN = `^[^${UNSAFE_CHARACTERS}]{1,${MAX_NAME_LENGTH}}$`

const TOKEN = new RegExp(TOKEN_PATTERN)
const NAME = new RegExp(NAME_PATTERN, 'u')
const EACH_UNSAFE = new RegExp(`[${UNSAFE_CHARACTERS}]`, 'g')

/** Whether a text is a name that can be a token of channels, such as that of a user. */
export const isToken = (text: string): boolean => TOKEN.test(text)

/** Whether a value is a type, a key or a client ID: text of 1 to 255 characters (Unicode code points), all of them safe. */
export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 2 * MAX_NAME_LENGTH && NAME.test(value) && value.isWellFormed()

/** A refused value as an error may show it: as JSON, unsafe characters as `\uXXXX`, cut after 80 characters. */
export const shown = (value: unknown): string =>
  (JSON.stringify(value) ?? 'undefined')
    .slice(0, 80)
    .replace(EACH_UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
