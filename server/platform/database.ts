import postgres from 'postgres'
import { AppError, codeOf } from './errors.ts'

/** A pool of connections; also the `sql` of a transaction. */
export type Sql = postgres.Sql<{ bigint: number }>

/** Where a Postgres is: a URL, or the folder of its unix socket. */
export type DatabaseAddress = string | { socketDirectory: string; port: number }

export interface ConnectOptions {
  /** Most connections. Defaults to `10`. */
  max?: number
  /** Shown in pg_stat_activity. Defaults to `sse-update`. */
  name?: string
}

/** A pool on a database. It connects when it is first used, and again after every loss. */
export function connectDatabase(address: DatabaseAddress, { max = 10, name = 'sse-update' }: ConnectOptions = {}): Sql {
  const options = {
    max,
    connect_timeout: 5,
    // Quicker than the library's own, which takes 5 s to come back after a restart.
    backoff: (attempt: number) => Math.min(0.05 * attempt, 0.5),
    connection: { application_name: name },
    onnotice: () => {},
    // Positions stay below 2^53, so a number serves for every bigint.
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
  }
  return typeof address === 'string'
    ? postgres(address, options)
    : postgres({
        ...options,
        host: address.socketDirectory,
        port: address.port,
        username: 'postgres',
        database: 'postgres',
      })
}

/** The address as it may be shown: without its password. */
export function describeAddress(address: DatabaseAddress): string {
  if (typeof address !== 'string') return `unix socket in ${address.socketDirectory}`
  const url = new URL(address)
  return `${url.host}${url.pathname}`
}

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
  '53300',
  '57P03',
  '28P01',
  '3D000',
])

/** Errors of a query whose connection died under it: whether it had an effect is not known. */
const OUTCOME_UNKNOWN = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  '57P01',
  '57P02',
  '08006',
  '08003',
])

/** How a failed query left the database: `refused` by Postgres (no effect), never `unsent` (no effect), or `unknown`. */
export function outcomeOf(error: unknown): 'refused' | 'unsent' | 'unknown' {
  const code = codeOf(error)
  if (code !== undefined && NOT_SENT.has(code)) return 'unsent'
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
