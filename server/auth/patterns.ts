import { covers, parsePattern } from '../protocol/channel.ts'
import { MAX_PATTERNS } from '../protocol/limits.ts'
import { escapeToken } from '../protocol/token.ts'

/**
 * Most patterns of a grant, for subscribing and for publishing each: a page of history without channels reads all of them, so the
 * budget is that of a request.
 */
export const MAX_GRANTED_PATTERNS = MAX_PATTERNS

const SUBJECT = '{sub}'

/**
 * Puts the subject of a grant into its patterns: `{sub}`, as a whole token, becomes the subject as one token (`escapeToken`), so
 * no subject can add a token or a wildcard.
 *
 * @throws {AppError} `channel.invalid` when a pattern is not valid, or holds `{sub}` as part of a token
 */
export function bindSubject(patterns: readonly string[], subject: string): string[] {
  const token = escapeToken(subject)
  return patterns.map((pattern) =>
    parsePattern(
      pattern
        .split('.')
        .map((part) => (part === SUBJECT ? token : part.replaceAll(SUBJECT, ' ')))
        .join('.'),
    ),
  )
}

/**
 * Whether every channel of a pattern lies within one of the granted patterns. A pattern that only several grants together
 * cover is not covered.
 *
 * @param granted valid patterns
 * @param pattern valid; a channel's name is one
 */
export function isGranted(granted: readonly string[], pattern: string): boolean {
  const tokens = pattern.split('.')
  return granted.some((wider) => wider === pattern || covers(wider.split('.'), tokens))
}
