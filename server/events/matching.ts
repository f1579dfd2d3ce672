import type { Sql } from '../platform/database.ts'
import { isLiteral, MAX_CHANNEL_LENGTH, MAX_TOKENS } from './channel.ts'

const DEPTHS = Array.from({ length: MAX_TOKENS }, (_, index) => index + 1)

/** Names of the columns of `p`, one row a pattern. */
const COLUMNS = [...DEPTHS.map((depth) => `t${depth}`), 'least', 'most'].join(', ')

/** Whether the tokens of a channel lie within the pattern `p`. A token that is null is `*`, or beyond the pattern's end. */
const WITHIN = [
  'cardinality(tokens) between p.least and p.most',
  ...DEPTHS.map((depth) => `(p.t${depth} is null or p.t${depth} = tokens[${depth}])`),
].join(' and ')

/**
 * A condition on the channel of `l`, a row of the log, that begins with `and`.
 *
 * Tokens are compared one by one, without a regular expression: a row costs at most patterns × `MAX_TOKENS` comparisons,
 * whatever the patterns and the channel look like. The text of the statement is the same for all patterns, so that
 * Postgres prepares it once.
 *
 * @param patterns valid; `undefined` for all channels
 */
export function matching(sql: Sql, patterns: readonly string[] | undefined) {
  if (patterns === undefined || patterns.includes('>')) return sql``
  const literal = patterns.filter(isLiteral)
  const wildcard = patterns.filter((pattern) => !isLiteral(pattern)).map(parse)
  if (wildcard.length === 0) return sql`and l.channel = any (${literal}::text[])`
  const columns = DEPTHS.map((depth) => sql`${wildcard.map(({ tokens }) => tokens[depth - 1] ?? null)}::text[],`)
  // `offset 0`: the channel is split once a row, and not for each comparison.
  return sql`and (l.channel = any (${literal}::text[]) or (
    select exists (
      select from unnest(
        ${columns} ${wildcard.map(({ least }) => least)}::int[], ${wildcard.map(({ most }) => most)}::int[]
      ) as p (${sql.unsafe(COLUMNS)})
      where ${sql.unsafe(WITHIN)}
    ) from (select string_to_array(l.channel, '.') as tokens offset 0) c
  ))`
}

/** Positions that one query looks at, at most, however few of them match. */
const SCAN = 20_000
/** Patterns with a wildcard beyond which a query looks at fewer: at 64 of them, 20,000 positions take a second. */
const CHEAP_PATTERNS = 8

/** Positions that one query for these patterns may look at, so that it takes Postgres about a tenth of a second at most. */
export function scanLimit(patterns: readonly string[] | undefined): number {
  const count = patterns?.filter((pattern) => !isLiteral(pattern)).length ?? 0
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
