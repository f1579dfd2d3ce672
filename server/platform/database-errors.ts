import { AppError, codeOf } from './errors.ts'

/** Errors of a query that never reached Postgres: it had no effect. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CONNECT_TIMEOUT',
  'CONNECTION_ENDED',
  '28P01',
  '3D000',
])

/** Errors of a query whose connection died under it: whether it had an effect is not known. */
const OUTCOME_UNKNOWN = new Set([
  'CONNECTION_CLOSED',
  'QUERY_TIMEOUT',
  'CONNECTION_DESTROYED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  '57P01',
  '57P02',
  '08006',
  '08003',
])

/** What Postgres can't do just now and may do later: it had no effect. SQLSTATE classes and codes (appendix A). */
const NOT_NOW = /^(25006|40|53|55P03|57014|57P0[345])/

/** How a failed query left the database: `refused` for good (no effect), `unsent` or not possible now (no effect), or `unknown`. */
export function outcomeOf(error: unknown): 'refused' | 'unsent' | 'unknown' {
  const code = codeOf(error)
  if (code !== undefined && (NOT_SENT.has(code) || NOT_NOW.test(code))) return 'unsent'
  if (code !== undefined && OUTCOME_UNKNOWN.has(code)) return 'unknown'
  return 'refused'
}

/** Whether an error means that Postgres is out of reach just now, rather than that it refused something. */
export const isUnreachable = (error: unknown): boolean => outcomeOf(error) !== 'refused'

/** What a client is told while Postgres is out of reach. */
export const databaseUnavailable = (cause: unknown): AppError =>
  new AppError('database.unavailable', 'The database is out of reach just now. Nothing was changed; try again.', {
    status: 503,
    retryAfter: 2,
    cause,
  })
