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
 * @param granted valid patterns; a list that never changes
 * @param pattern valid; a channel's name is one
 */
export function isGranted(granted: readonly string[], pattern: string): boolean {
  const tokens = pattern.split('.')
  return tokensOf(granted).some((wider) => covers(wider, tokens)) || granted.includes(pattern)
}

/** Split once for each grant: a stream asks for many patterns, and may change them often. */
const split = new WeakMap<readonly string[], readonly (readonly string[])[]>()

function tokensOf(granted: readonly string[]): readonly (readonly string[])[] {
  const known = split.get(granted)
  if (known) return known
  const tokens = granted.map((pattern) => pattern.split('.'))
  split.set(granted, tokens)
  return tokens
}
