import { AppError } from '../platform/errors.ts'
import { DAY, SECOND } from '../platform/time.ts'
import { MAX_TOKEN_LENGTH } from '../protocol/limits.ts'
import { isToken } from '../protocol/names.ts'
import { escapeToken } from '../protocol/token.ts'
import type { Grant, Role } from './grant.ts'
import { bindSubject, MAX_GRANTED_PATTERNS } from './patterns.ts'

/** Names of the claims that hold what a token grants; identity providers often require a namespace. */
export interface ClaimNames {
  /** Defaults to `subscribe`. */
  subscribe: string
  /** Defaults to `publish`. */
  publish: string
  /** Defaults to `role`. */
  role: string
}

/** Most characters of a subject. With escapes it must still be one token of a channel, which a name in the tables is too. */
const MAX_SUBJECT_LENGTH = 80

/** What a user may read whose token has no `subscribe` claim: their own orders, tasks and notifications, and announcements. */
const USER_SUBSCRIBE = ['orders.{sub}.>', 'tasks.{sub}.>', 'notifications.{sub}', 'broadcast']

const OPERATOR_PATTERNS = ['>']

/** Longest life of a token, in milliseconds: `sse.revoke` keeps what was revoked as long, and deletes it then. */
const MAX_LIFETIME = 400 * DAY

/** Milliseconds by which the clock of an issuer may be ahead: for `iat` and `nbf`, not for `exp`. */
export const CLOCK_TOLERANCE = 10 * SECOND

/** Most characters of the id of a token, as `sse.revoke` takes it. */
const MAX_TOKEN_ID_LENGTH = 1000

/**
 * The grant of a token whose signature, issuer and audience were verified before, and that it is valid now.
 *
 * @param now milliseconds since the Unix epoch
 * @throws {AppError} `token.expired`; `token.invalid` when `sub` is missing or too long, a claim has another shape than documented, or the token
 * could not be revoked for as long as it is valid
 */
export function grantFromClaims(claims: Readonly<Record<string, unknown>>, names: ClaimNames, now = Date.now()): Grant {
  const sub = subjectOf(claims.sub)
  const role = roleOf(claims[names.role], names.role)
  const isOperator = role === 'operator'
  return {
    subject: sub,
    user: escapeToken(sub),
    subscribe: patternsOf(claims, names.subscribe, sub, isOperator ? OPERATOR_PATTERNS : USER_SUBSCRIBE),
    publish: patternsOf(claims, names.publish, sub, isOperator ? OPERATOR_PATTERNS : []),
    role,
    tokenId: tokenIdOf(claims.jti),
    ...lifetimeOf(claims, now),
  }
}

function subjectOf(value: unknown): string {
  // Postgres can't store it, so tokens of the subject could not be revoked.
  if (typeof value === 'string' && value.includes('\0')) throw invalid('Claim "sub" holds the character U+0000.')
  if (typeof value !== 'string' || value === '' || !value.isWellFormed() || [...value].length > MAX_SUBJECT_LENGTH) {
    throw invalid(`Claim "sub" must be text of 1 to ${MAX_SUBJECT_LENGTH} characters.`)
  }
  if (isToken(escapeToken(value))) return value
  throw invalid(
    `Claim "sub" has more than ${MAX_TOKEN_LENGTH} characters as a token of a channel, where each of space ". * > %" takes three.`,
  )
}

/** A provider's other roles are roles of other applications: they count as `user`. */
function roleOf(value: unknown, name: string): Role {
  if (value === undefined || value === null || typeof value === 'string') return value === 'operator' ? value : 'user'
  throw invalid(`Claim "${name}" must be text: "user" or "operator".`)
}

function patternsOf(
  claims: Readonly<Record<string, unknown>>,
  name: string,
  subject: string,
  fallback: readonly string[],
): string[] {
  const value = claims[name]
  if (value === undefined) return bindSubject(fallback, subject)
  if (!isTexts(value) || value.length > MAX_GRANTED_PATTERNS) {
    throw invalid(`Claim "${name}" must be an array of at most ${MAX_GRANTED_PATTERNS} channel patterns.`)
  }
  try {
    return bindSubject(value, subject)
  } catch (error) {
    throw error instanceof AppError ? invalid(`Claim "${name}": ${error.message}`) : error
  }
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string')

function tokenIdOf(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string' && value.length <= MAX_TOKEN_ID_LENGTH && isStorable(value)) return value
  throw invalid(
    `Claim "jti" must be text of at most ${MAX_TOKEN_ID_LENGTH} characters, by which the token can be revoked.`,
  )
}

/** Whether Postgres can store a text: a revocation of anything else would have no effect. */
const isStorable = (text: string) => text.isWellFormed() && !text.includes('\0')

/** When a token was issued and when it expires, so that a revocation holds until then. */
function lifetimeOf({ iat, exp }: Readonly<Record<string, unknown>>, now: number) {
  const issuedAt = timeOf(iat)
  const expiresAt = timeOf(exp)
  if (expiresAt === null) throw invalid('The token has no "exp": tokens that never expire are not accepted.')
  // Without leeway, which verification allows: everywhere as for streams, which end at this time.
  if (expiresAt <= now) throw new AppError('token.expired', 'The token has expired: get a new one.', { status: 401 })
  // It would outlive a revocation of its subject.
  if (issuedAt !== null && issuedAt > now + CLOCK_TOLERANCE) throw invalid('Claim "iat" is in the future.')
  if (expiresAt - (issuedAt ?? now) > MAX_LIFETIME) {
    throw invalid(`Claim "exp" is more than ${MAX_LIFETIME / DAY} days after the token was issued.`)
  }
  return { issuedAt, expiresAt }
}

/** Milliseconds of a time in seconds; a number that JSON can hold and JavaScript can't is infinite. */
const timeOf = (value: unknown) => (typeof value === 'number' ? value * SECOND : null)

const invalid = (detail: string) => new AppError('token.invalid', detail, { status: 401 })
