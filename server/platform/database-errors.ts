import { AppError, codeOf, messageOf } from './errors.ts'

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

/** What Postgres can't do just now and may do later: it had no effect. SQLSTATE classes and codes (appendix A). */
const NOT_NOW = /^(25006|40|53|55P03|57014|57P0[345])/

/** What Postgres refuses for good, and rolls back: bad data, constraints, syntax and rights, limits, errors raised in SQL. */
const REFUSED = /^(0A|22|23|42|54|P0|SE)/

/** pgbouncer tells all of its own troubles as a protocol violation; these before a query was sent on. */
const POOLER_NOT_NOW =
  /login has been failing|query_wait_timeout|no more connections|shutting down|not accepting|wait_timeout/i

/**
 * How a failed query left the database: `refused` for good (no effect), `unsent` or not possible just now (no effect), or
 * `unknown`: whatever is not known to be one of these.
 */
export function outcomeOf(error: unknown): 'refused' | 'unsent' | 'unknown' {
  const code = codeOf(error) ?? ''
  if (NOT_SENT.has(code) || NOT_NOW.test(code)) return 'unsent'
  if (code === '08P01' && POOLER_NOT_NOW.test(messageOf(error))) return 'unsent'
  return REFUSED.test(code) ? 'refused' : 'unknown'
}

/** Whether an error means that Postgres is out of reach just now, rather than that it refused something. */
export const isUnreachable = (error: unknown): boolean => outcomeOf(error) !== 'refused'

/** Errors of a connection that was lost under a query, by the codes of sockets, the client library and Postgres. */
const LOST = /^(CONNECTION_(CLOSED|DESTROYED)|QUERY_TIMEOUT|ECONNRESET|EPIPE|ETIMEDOUT|57P0[12]|08)/

/** What a client is told of a query that failed for reasons of the database; `undefined` when they are others. */
export function databaseProblem(error: unknown): AppError | undefined {
  if (outcomeOf(error) === 'unsent') return databaseUnavailable(error)
  if (!LOST.test(codeOf(error) ?? '')) return undefined
  return new AppError(
    'database.unknown',
    'The connection to the database died under the request: it may have been carried out or not. Read the state before you try again.',
    { status: 503, retryAfter: 2, cause: error },
  )
}

/** What a client is told while Postgres is out of reach. */
export const databaseUnavailable = (cause: unknown): AppError =>
  new AppError('database.unavailable', 'The database is out of reach just now. Nothing was changed; try again.', {
    status: 503,
    retryAfter: 2,
    cause,
  })
