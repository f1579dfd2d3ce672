import postgres from 'postgres'
import { parse as parseArray } from 'postgres-array'

/** A pool of connections; also the `sql` of a transaction. */
export type Sql = postgres.Sql<{ bigint: number }>

/** Where a Postgres is: a URL, or the folder of its unix socket. */
export type DatabaseAddress = string | { socketDirectory: string; port: number }

/** How {@link connectDatabase} connects. */
export interface ConnectOptions {
  /** Most connections. Defaults to `10`. */
  max?: number
  /** Shown in pg_stat_activity. Defaults to `sse-update`. */
  name?: string
  /** Whether statements are prepared by name, which poolers in transaction mode may not allow. Defaults to `true`. */
  prepare?: boolean
  /**
   * Milliseconds after which Postgres itself ends a statement. Sent when connecting, which pgbouncer may refuse. Defaults
   * to the server's own setting.
   */
  statementTimeout?: number | undefined
}

/**
 * How Postgres writes times: as `Date` reads them, whatever the defaults of the server, the database or the role. pgbouncer keeps
 * both for each client without a setting of its own.
 */
const FORMATS = { DateStyle: 'ISO, MDY', TimeZone: 'UTC' }

/** A pool of connections to a database. It connects when it is first used, and reconnects after every loss. */
export function connectDatabase(address: DatabaseAddress, options: ConnectOptions = {}): Sql {
  const { max = 10, name = 'sse-update', prepare = true, statementTimeout } = options
  const settings = {
    max,
    prepare,
    connect_timeout: 5,
    // Seconds. Shorter than the library's own, which takes 5 s to reconnect after a restart.
    backoff: (attempt: number) => Math.min(0.05 * attempt, 0.5),
    connection: {
      application_name: name,
      ...FORMATS,
      ...(statementTimeout && { statement_timeout: statementTimeout }),
    },
    onnotice: () => {},
    // The library would query them on the first connection, and continue without them when that fails.
    fetch_types: false,
    types: {
      // Positions stay below 2^53, so that a number can hold every bigint.
      bigint: { to: 20, from: [20], serialize: String, parse: Number },
      bigints: { to: 1016, from: [1016], serialize: arrayLiteral, parse: parseNumbers },
      texts: { to: 1009, from: [1009], serialize: arrayLiteral, parse: parseTexts },
      uuids: { to: 2951, from: [2951], serialize: arrayLiteral, parse: parseTexts },
      integers: { to: 1007, from: [1007], serialize: arrayLiteral, parse: parseNumbers },
    },
  }
  if (typeof address === 'string') return postgres(address, { ...settings, ...socketOf(address) })
  return postgres({
    ...settings,
    host: address.socketDirectory,
    port: address.port,
    username: 'postgres',
    database: 'postgres',
  })
}

/** An array as Postgres reads it (PostgreSQL documentation, 8.15.6 "Array Input and Output Syntax"). */
const arrayLiteral = (items: readonly unknown[]): string =>
  `{${items.map((item) => (item === null ? 'NULL' : `"${String(item).replace(/[\\"]/g, '\\$&')}"`)).join(',')}}`

const parseTexts = (literal: string): string[] => parseArray(literal, String)

const parseNumbers = (literal: string): number[] => parseArray(literal, Number)

/** libpq's way to name a unix socket in a URL: `postgres://user@localhost/database?host=/folder`. */
function socketOf(url: string): { host?: string } {
  const folder = new URL(url).searchParams.get('host')
  return folder?.startsWith('/') ? { host: folder } : {}
}

/** The address for logs and messages, without user and password: `host:5432/database`. */
export function describeAddress(address: DatabaseAddress): string {
  if (typeof address !== 'string') return `unix socket in ${address.socketDirectory}`
  const url = new URL(address)
  return `${url.host}${url.pathname}`
}

/** The server of an address, for messages: `host:5432`, or the folder of its unix socket. */
export function serverOf(address: DatabaseAddress): string {
  if (typeof address !== 'string') return address.socketDirectory
  const { hostname, port } = new URL(address)
  return socketOf(address).host ?? `${hostname || 'localhost'}:${port || 5432}`
}
