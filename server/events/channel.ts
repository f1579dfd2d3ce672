import { AppError } from '../platform/errors.ts'

/** Most characters of a channel's name or a pattern. */
export const MAX_CHANNEL_LENGTH = 255

/** Most tokens of a channel's name or a pattern. */
export const MAX_TOKENS = 16

// A token may hold anything but a space, a control character, a separator or a wildcard. migrations/0002_outbox.sql says
// the same, in the same characters, for those who publish from SQL.
const TOKEN = String.raw`[^\u0000-\u0020\u007f.*>]+`
const NAME = new RegExp(`^${TOKEN}(?:\\.${TOKEN})*$`, 'u')
const PATTERN = new RegExp(`^(?:>|(?:${TOKEN}|\\*)(?:\\.(?:${TOKEN}|\\*))*(?:\\.>)?)$`, 'u')

/**
 * Checks the name of a channel: dot-separated tokens such as `orders.alice.17`, at most 255 characters.
 *
 * @throws {AppError} `channel.invalid` when a token is empty or holds white space, a control character, `*` or `>`
 */
export function parseChannel(name: unknown): string {
  if (typeof name === 'string' && isSound(name) && NAME.test(name) && countTokens(name) <= MAX_TOKENS) return name
  throw new AppError(
    'channel.invalid',
    `Channel ${shown(name)} is not valid. A channel is dot-separated tokens such as "orders.alice.17", at most ${MAX_TOKENS} tokens and ${MAX_CHANNEL_LENGTH} characters, without spaces, control characters, "*" or ">".`,
  )
}

/**
 * Checks a pattern of channels, as NATS has them for subjects: `*` stands for one token, a last `>` for one or more. A
 * channel's name is a pattern too.
 *
 * @throws {AppError} `channel.invalid`
 */
export function parsePattern(pattern: unknown): string {
  if (typeof pattern === 'string' && isSound(pattern) && PATTERN.test(pattern) && countTokens(pattern) <= MAX_TOKENS)
    return pattern
  throw new AppError(
    'channel.invalid',
    `Channel pattern ${shown(pattern)} is not valid. A pattern is dot-separated tokens such as "orders.alice.17", "orders.*.17" ("*" is one token) or "orders.>" (">" is the rest), at most ${MAX_TOKENS} tokens and ${MAX_CHANNEL_LENGTH} characters.`,
  )
}

/** Whether a channel lies within a pattern; both must be valid. */
export function matches(pattern: string, channel: string): boolean {
  if (pattern === channel || pattern === '>') return true
  return matchesTokens(pattern.split('.'), channel.split('.'))
}

/** The same, of their tokens. */
export function matchesTokens(wanted: readonly string[], given: readonly string[]): boolean {
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return given.length > index
    if (index >= given.length || (token !== '*' && token !== given[index])) return false
  }
  return wanted.length === given.length
}

/** Whether a pattern is the name of one channel. */
export const isLiteral = (pattern: string): boolean => !/[*>]/.test(pattern)

/** Postgres counts characters where JavaScript counts UTF-16 units. */
const isSound = (text: string) =>
  text.isWellFormed() && [...text.slice(0, 2 * MAX_CHANNEL_LENGTH + 1)].length <= MAX_CHANNEL_LENGTH

const countTokens = (name: string) => name.split('.').length

const shown = (value: unknown) => (JSON.stringify(value) ?? 'undefined').slice(0, 80)
