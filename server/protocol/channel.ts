import { Type } from '@sinclair/typebox'
import { AppError } from '../platform/errors.ts'
import { MAX_CHANNEL_LENGTH, MAX_TOKENS } from './limits.ts'
import { shown, TOKEN_CHARACTER } from './names.ts'

// migrations/0010_sql_trust_boundary.sql says the same for clients that publish from SQL.
const TOKEN = `${TOKEN_CHARACTER}+`
const NAME_PATTERN = `^${TOKEN}(?:\\.${TOKEN})*$`
const PATTERN_PATTERN = `^(?:>|(?:${TOKEN}|\\*)(?:\\.(?:${TOKEN}|\\*))*(?:\\.>)?)$`
const NAME = new RegExp(NAME_PATTERN, 'u')
const PATTERN = new RegExp(PATTERN_PATTERN, 'u')

/** The name of a channel. The schema can not say how many tokens there may be; `parseChannel` checks it. */
export const Channel = Type.String({
  pattern: NAME_PATTERN,
  maxLength: MAX_CHANNEL_LENGTH,
  description: `name of a channel: 1 to ${MAX_TOKENS} dot-separated tokens, at most ${MAX_CHANNEL_LENGTH} characters, without spaces, control characters, "*" or ">"`,
  examples: ['orders.alice.17'],
})

/** A pattern of channels. The schema can not say how many tokens there may be; `parsePattern` checks it. */
export const Pattern = Type.String({
  pattern: PATTERN_PATTERN,
  maxLength: MAX_CHANNEL_LENGTH,
  description: `pattern of channels: 1 to ${MAX_TOKENS} dot-separated tokens, at most ${MAX_CHANNEL_LENGTH} characters; "*" is one token, a last ">" one or more`,
  examples: ['orders.alice.*'],
})

/**
 * Checks the name of a channel: 1 to 16 dot-separated tokens such as `orders.alice.17`, at most 255 characters.
 *
 * @throws {AppError} `channel.invalid` when a token is empty or holds a space, an unsafe character, `*` or `>`
 */
export function parseChannel(name: unknown): string {
  if (typeof name === 'string' && isSound(name) && NAME.test(name)) return name
  throw new AppError(
    'channel.invalid',
    `Channel ${shown(name)} is not valid. A channel is 1 to ${MAX_TOKENS} dot-separated tokens such as "orders.alice.17", at most ${MAX_CHANNEL_LENGTH} characters, without spaces, control characters, "*" or ">".`,
  )
}

/**
 * Checks a pattern of channels, as NATS has them for subjects: `*` stands for one token, a last `>` for one or more. A
 * channel's name is a pattern too. As in MQTT (5.0, section 4.7.2), a wildcard in the first place does not match reserved
 * channels: `>` does not follow `sse.access`, `sse.>` does.
 *
 * @throws {AppError} `channel.invalid`
 */
export function parsePattern(pattern: unknown): string {
  if (typeof pattern === 'string' && isSound(pattern) && PATTERN.test(pattern)) return pattern
  throw new AppError(
    'channel.invalid',
    `Channel pattern ${shown(pattern)} is not valid. A pattern is 1 to ${MAX_TOKENS} dot-separated tokens such as "orders.alice.17", "orders.*.17" ("*" is one token) or "orders.>" (">" is the rest), at most ${MAX_CHANNEL_LENGTH} characters, without spaces or control characters.`,
  )
}

/** First token of the channels of the server's own events, such as `sse.access`. */
export const RESERVED_TOKEN = 'sse'

/** Whether a channel or pattern is of the server's own events: only the server publishes them, and only operators read them. */
export const isReserved = (pattern: string): boolean =>
  pattern === RESERVED_TOKEN || pattern.startsWith(`${RESERVED_TOKEN}.`)

/** Whether a pattern matches a channel; both must be valid. A wildcard in the first place matches no reserved channel. */
export function matches(pattern: string, channel: string): boolean {
  if (pattern === channel) return true
  return matchesTokens(pattern.split('.'), channel.split('.'))
}

/** Whether the tokens of a pattern match those of a channel, as in `matches`. */
export function matchesTokens(wanted: readonly string[], given: readonly string[]): boolean {
  if (given[0] === RESERVED_TOKEN && wanted[0] !== RESERVED_TOKEN) return false
  // An index, because `entries` takes several times as long, and streams cost patterns × patterns × tokens of this.
  for (let index = 0; index < wanted.length; index++) {
    const token = wanted[index]
    if (token === '>') return given.length > index
    if (index >= given.length || (token !== '*' && token !== given[index])) return false
  }
  return wanted.length === given.length
}

/** Whether every channel that one pattern matches is matched by a wider one, too; both as tokens. */
export const covers = (wider: readonly string[], pattern: readonly string[]): boolean =>
  matchesTokens(wider, pattern) && (pattern.at(-1) !== '>' || wider.at(-1) === '>')

/** Whether a pattern is the name of one channel. */
export const isLiteral = (pattern: string): boolean => !/[*>]/.test(pattern)

/** Postgres counts characters where JavaScript counts UTF-16 units, of which there are at least as many. */
const isSound = (text: string) =>
  text.isWellFormed() &&
  (text.length <= MAX_CHANNEL_LENGTH || [...text.slice(0, 2 * MAX_CHANNEL_LENGTH + 1)].length <= MAX_CHANNEL_LENGTH) &&
  text.split('.', MAX_TOKENS + 1).length <= MAX_TOKENS
