import type { Sql } from '../platform/database.ts'
import { isLiteral, isReserved, RESERVED_TOKEN } from '../protocol/channel.ts'
import { MAX_CHANNEL_LENGTH, MAX_TOKENS } from '../protocol/limits.ts'

const DEPTHS = Array.from({ length: MAX_TOKENS }, (_, index) => index + 1)

/**
 * A condition on the channel of `l`, a row of the log, that begins with `and`.
 *
 * There is no regular expression in it: names and beginnings are compared as texts, and where a `*` stands, tokens are
 * compared one by one, so that a row costs at most patterns × `MAX_TOKENS` comparisons, whatever the patterns and the
 * channel look like. The text of the statement does not depend on the patterns, so that Postgres prepares few.
 *
 * @param patterns valid; `undefined` for all channels, reserved ones too
 */
export function matching(sql: Sql, patterns: readonly string[] | undefined) {
  if (patterns === undefined) return sql``
  // A wildcard in the first place matches no reserved channel.
  const isWide = patterns.some((pattern) => /^[*>]/.test(pattern))
  if (!isWide) return sql`and (${within(sql, patterns)})`
  const reserved = patterns.filter(isReserved)
  const open = sql`l.channel <> ${RESERVED_TOKEN} and not l.channel ^@ ${`${RESERVED_TOKEN}.`}`
  const wide = patterns.includes('>') ? sql`${open}` : sql`${open} and (${within(sql, patterns)})`
  return reserved.length === 0 ? sql`and ${wide}` : sql`and (${wide} or ${within(sql, reserved)})`
}

function within(sql: Sql, patterns: readonly string[]) {
  const { names, beginnings, others } = byKind(patterns)
  return sql`l.channel = any (${names}::text[]) or l.channel ^@ any (${beginnings}::text[]) ${withinTokens(sql, others)}`
}

/** Names of channels; what `a.b.>` begins with, up to the last dot; and patterns with a `*`. */
const byKind = (patterns: readonly string[]) => ({
  names: patterns.filter(isLiteral),
  beginnings: patterns.filter((pattern) => !isLiteral(pattern) && !hasStar(pattern)).map((open) => open.slice(0, -1)),
  others: patterns.filter(hasStar),
})

const hasStar = (pattern: string) => pattern.includes('*')

function withinTokens(sql: Sql, patterns: readonly string[]) {
  if (patterns.length === 0) return sql``
  // Most rows are ruled out by what the patterns begin with. `offset 0`: the channel is split once a row, and not for each
  // comparison.
  return sql`or (l.channel ^@ any (${patterns.map((pattern) => pattern.slice(0, pattern.indexOf('*')))}::text[]) and (
    select false ${padded(patterns).map((pattern) => sql`or (${withinPattern(sql, pattern)})`)}
    from (select string_to_array(l.channel, '.') as tokens offset 0) c
  ))`
}

/** As many as a power of two, so that there are few texts of the statement. */
function padded(patterns: readonly string[]): string[] {
  const count = 2 ** Math.ceil(Math.log2(patterns.length))
  return Array.from({ length: count }, (_, index) => patterns[index] ?? (patterns[0] as string))
}

/** A token that is null matches any; Postgres drops its comparison when it plans. */
function withinPattern(sql: Sql, pattern: string) {
  const { tokens, least, most } = parse(pattern)
  const comparisons = DEPTHS.map((depth) => {
    return sql`and coalesce(tokens[${sql.unsafe(String(depth))}] = ${tokens[depth - 1] ?? null}::text, true)`
  })
  return sql`cardinality(tokens) between ${least}::int and ${most}::int ${comparisons}`
}

/** Positions that one query looks at, at most, however few of them match. */
const SCAN = 20_000
/** Patterns with a `*` beyond which a query looks at fewer: each compares up to 16 tokens of every row. */
const CHEAP_PATTERNS = 16

/** Positions that one query for these patterns may look at, so that it takes Postgres a few tenths of a second at most. */
export function scanLimit(patterns: readonly string[] | undefined): number {
  const count = patterns?.filter(hasStar).length ?? 0
  return Math.floor(SCAN * Math.min(1, CHEAP_PATTERNS / Math.max(1, count)))
}

/** The tokens of a pattern, `*` as null, and how many tokens its channels have. */
function parse(pattern: string): { tokens: (string | null)[]; least: number; most: number } {
  const all = pattern.split('.')
  const isOpen = all.at(-1) === '>'
  const tokens = (isOpen ? all.slice(0, -1) : all).map((token) => (token === '*' ? null : token))
  return isOpen
    ? { tokens, least: tokens.length + 1, most: MAX_CHANNEL_LENGTH }
    : { tokens, least: tokens.length, most: tokens.length }
}
