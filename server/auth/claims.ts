import { AppError } from '../platform/errors.ts'
import { SECOND } from '../platform/time.ts'
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

/**
 * The grant of a token whose signature, issuer, audience and times were verified before.
 *
 * @throws {AppError} `token.invalid` when `sub` is missing or too long, or a claim has another shape than documented
 */
export function grantFromClaims(claims: Readonly<Record<string, unknown>>, names: ClaimNames): Grant {
  const sub = subjectOf(claims.sub)
  const role = roleOf(claims[names.role], names.role)
  const isOperator = role === 'operator'
  return {
    subject: sub,
    user: escapeToken(sub),
    subscribe: patternsOf(claims, names.subscribe, sub, isOperator ? OPERATOR_PATTERNS : USER_SUBSCRIBE),
    publish: patternsOf(claims, names.publish, sub, isOperator ? OPERATOR_PATTERNS : []),
    role,
    tokenId: textOf(claims.jti),
    issuedAt: timeOf(claims.iat),
    expiresAt: timeOf(claims.exp),
  }
}

function subjectOf(value: unknown): string {
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

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)

const timeOf = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value * SECOND : null)

const invalid = (detail: string) => new AppError('token.invalid', detail, { status: 401 })
