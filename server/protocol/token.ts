import { UNSAFE_CHARACTERS } from './names.ts'

const SPECIAL = new RegExp(`[${UNSAFE_CHARACTERS} .*>%]`, 'gu')
const ESCAPED = /(?:%[0-9A-F]{2})+/g

/**
 * Any text as one token of a channel, such as an email address as a user's channel. Dots, `*`, `>`, `%`, spaces and unsafe
 * characters become their UTF-8 bytes as `%XX`, with upper-case digits (RFC 3986, section 2.1), so no text can form a second
 * token or a wildcard, and two texts never have the same token.
 *
 * @param text well-formed, at least one character; `alice@example.com` becomes `alice@example%2Ecom`
 */
export const escapeToken = (text: string): string =>
  text.replace(SPECIAL, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )

/** The text that `escapeToken` made a token of. */
export const unescapeToken = (token: string): string =>
  token.replace(ESCAPED, (escapes) => new TextDecoder().decode(Buffer.from(escapes.replaceAll('%', ''), 'hex')))
