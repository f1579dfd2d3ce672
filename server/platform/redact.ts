/** What credentials look like where nothing else is known about a text, and what is written instead. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  // User and password of a URL. A password may hold any character that a person forgot to escape.
  [/(:\/\/)(?!user:password@)[^\s"'<>]*@/g, '$1…@'],
  // A JSON object in base64url, a dot, and two more parts: a token (RFC 7515, section 3.1).
  [/\be[yw][\w-]{6,}\.[\w-]+\.[\w-]*/g, '[token]'],
  [/\bssek_[\w-]+/g, '[key]'],
  [/\b((?:access_|id_)?token|password|passwd|pwd|secret|api_?key|authorization)=[^\s&"'<>]+/gi, '$1=…'],
]

/** Shorter values are no secrets, and would make holes in every text. */
const MIN_SECRET_LENGTH = 8

/** A text in which whatever has the form of a credential is replaced: URLs with passwords, tokens, keys. */
export const redact = (text: string): string =>
  FORMS.reduce((result, [form, replacement]) => result.replace(form, replacement), text)

/**
 * A function that replaces secrets in texts: those that are known, wherever they are, and whatever has the form of a credential.
 *
 * @param secrets exact values; they are also found escaped as in JSON and in URLs
 */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const known = [...new Set(secrets.filter(({ length }) => length >= MIN_SECRET_LENGTH).flatMap(writtenForms))]
  // One secret may begin another.
  known.sort((one, other) => other.length - one.length)
  return (text) => redact(known.reduce((result, secret) => result.replaceAll(secret, '[secret]'), text))
}

const writtenForms = (secret: string) => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret.toWellFormed()),
]

/** A text in which the user and the password of each URL are replaced: `postgres://…@host/database`. */
export const withoutPassword = (text: string): string => text.replace(/(:\/\/)[^\s"'<>]*@/g, '$1…@')
