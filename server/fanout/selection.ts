import { covers, isLiteral, matchesTokens } from '../protocol/channel.ts'

/** Which events a stream carries. */
export interface Selection {
  /** The same for all that select the same. */
  name: string
  /** Valid patterns of channels, at least one; none is covered by another. */
  patterns: readonly string[]
  /** Most entries that it takes in the index of subscriptions: its tokens and patterns. */
  size: number
}

/** Makes a selection without repetitions and covered patterns. @param patterns valid, at least one */
export function createSelection(patterns: readonly string[]): Selection {
  const needed = withoutCovered([...new Set(patterns)].sort())
  const size = needed.reduce((sum, pattern) => sum + pattern.split('.').length + 1, 0)
  // No channel holds a space.
  return { name: needed.join(' '), patterns: needed, size }
}

/** The patterns without those that another one covers: beside `a.>`, `a.b.*` selects nothing more. */
function withoutCovered(patterns: readonly string[]): string[] {
  const split = patterns.map((pattern) => ({ pattern, tokens: pattern.split('.') }))
  const wildcards = split.filter(({ pattern }) => !isLiteral(pattern))
  const isCovered = (tokens: readonly string[]) =>
    wildcards.some((wildcard) => wildcard.tokens !== tokens && covers(wildcard.tokens, tokens))
  return split.filter(({ tokens }) => !isCovered(tokens)).map(({ pattern }) => pattern)
}

/**
 * Makes a test of whether a channel matches one of the patterns. A call costs patterns × tokens at most, and little memory:
 * for one reader. The patterns of many readers are in the index of subscriptions.
 */
export function createMatcher(patterns: readonly string[]): (channel: string) => boolean {
  const literals = new Set(patterns.filter(isLiteral))
  const wildcards = patterns.filter((pattern) => !isLiteral(pattern)).map((pattern) => pattern.split('.'))
  return (channel) => {
    if (literals.has(channel)) return true
    if (wildcards.length === 0) return false
    const tokens = channel.split('.')
    return wildcards.some((wildcard) => matchesTokens(wildcard, tokens))
  }
}
