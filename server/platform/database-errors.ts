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

/** What Postgres can't do now but may do later: it had no effect. SQLSTATE classes and codes (PostgreSQL, appendix A). */
const NOT_NOW = /^(25006|40|53|55P03|57014|57P0[345])/

/** What Postgres refuses permanently and rolls back: bad data, constraints, syntax, rights, limits, errors raised in SQL. */
const REFUSED = /^(0A|22|23|42|54|P0|SE)/

/** pgbouncer reports all its own failures as protocol violations; these occur before it forwards a query. */
const POOLER_NOT_NOW =
  /login has been failing|query_wait_timeout|no more connections|shutting down|not accepting|wait_timeout/i

/**
 * How a failed query left the database:
 *
 * - `refused`: Postgres refused it permanently; it had no effect
 * - `unsent`: it was not sent, or is not possible now; it had no effect
 * - `unknown`: everything else; it may have had its effect
 */
export function outcomeOf(error: unknown): 'refused' | 'unsent' | 'unknown' {
  const code = codeOf(error) ?? ''
  if (NOT_SENT.has(code) || NOT_NOW.test(code)) return 'unsent'
  if (code === '08P01' && POOLER_NOT_NOW.test(messageOf(error))) return 'unsent'
  return REFUSED.test(code) ? 'refused' : 'unknown'
}

/** Whether an error means that Postgres is unreachable or unable now, rather than that it refused the query. */
export const isUnreachable = (error: unknown): boolean => outcomeOf(error) !== 'refused'

/** `invalid_authorization_specification`, `invalid_password` and `invalid_catalog_name`. */
const LOGIN_REFUSED: ReadonlySet<string> = new Set(['28000', '28P01', '3D000'])

/** Whether Postgres refused the connection because of its role, password or database: waiting does not help a start. */
export const isLoginRefused = (error: unknown): boolean => LOGIN_REFUSED.has(codeOf(error) ?? '')

/** Errors of a connection that was lost during a query: codes of sockets, of the client library and of Postgres. */
const LOST = /^(CONNECTION_(CLOSED|DESTROYED)|QUERY_TIMEOUT|ECONNRESET|EPIPE|ETIMEDOUT|57P0[12]|08)/

/**
 * The error that a client of the server receives for a failed query.
 *
 * @returns `database.unavailable` or `database.unknown`; `undefined` when the failure is not one of the connection
 */
export function databaseProblem(error: unknown): AppError | undefined {
  if (outcomeOf(error) === 'unsent') return databaseUnavailable(error)
  if (!LOST.test(codeOf(error) ?? '')) return undefined
  return new AppError(
    'database.unknown',
    'The connection to the database was lost during the request, which may have been carried out or not. Read the state before you try again.',
    { status: 503, retryAfter: 2, cause: error },
  )
}

/** The error that a client of the server receives while Postgres is unreachable: 503, with a time to retry. */
export const databaseUnavailable = (cause: unknown): AppError =>
  new AppError('database.unavailable', 'The database is unavailable. Nothing was changed; try again.', {
    status: 503,
    retryAfter: 2,
    cause,
  })
