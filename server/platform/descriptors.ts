import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { Config } from './config.ts'

/** The file descriptors of this process: each socket, file and connection to Postgres takes one. */
export interface Descriptors {
  open: number
  /** The soft limit, which Bun raises to the hard one at its start; `Infinity` without one. */
  limit: number
}

/**
 * Makes a function that counts the file descriptors of this process. It needs none itself, so that it can tell when all are in use.
 *
 * @returns `undefined` where the system does not tell (all but Linux)
 */
export function createDescriptorCount(): (() => Descriptors) | undefined {
  const limit = readLimit()
  return limit === undefined ? undefined : () => ({ open: countOpen(limit), limit })
}

/** The limit of file descriptors; `undefined` where the system does not tell. */
function readLimit(): number | undefined {
  try {
    const [, limit] = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (limit === undefined) return undefined
    return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit)
  } catch {
    return undefined
  }
}

/** Linux gives the number as the size of the directory since version 6.2; listing it costs milliseconds where there are many. */
function countOpen(limit: number): number {
  try {
    return statSync(DIRECTORY).size || readdirSync(DIRECTORY).length
  } catch {
    // Listing takes a descriptor, and there is none.
    return limit
  }
}

const DIRECTORY = '/proc/self/fd'

/** Descriptors that are not for streams: of short requests, files and libraries, besides the connections to Postgres. */
const LEAST_RESERVE = 64
const RESERVED_SHARE = 0.1

/** Descriptors that are kept free of streams. @param limit of file descriptors */
export const reservedDescriptors = (limit: number): number => Math.max(LEAST_RESERVE, RESERVED_SHARE * limit)

/** Streams that fit beside everything else. @param limit of file descriptors */
export const streamsWithin = (limit: number, databasePool: number): number =>
  Math.max(1, Math.floor(limit - databasePool - reservedDescriptors(limit)))

/** Streams that an instance accepts. */
export interface StreamCapacity {
  maxConnections: number
  /** What an operator should know; `undefined` where `MAX_CONNECTIONS` fits. */
  warning: string | undefined
}

/**
 * Lowers `MAX_CONNECTIONS` to what the limit of file descriptors allows: streams beyond that would leave none for Postgres, and
 * their clients would see connections fail instead of `closing` with `full`.
 *
 * @param limit of file descriptors; `undefined` when it is not known
 */
export function fitToDescriptors(
  { maxConnections, databasePool }: Pick<Config, 'maxConnections' | 'databasePool'>,
  limit: number | undefined = readLimit(),
): StreamCapacity {
  const most = limit === undefined || limit === Number.POSITIVE_INFINITY ? limit : streamsWithin(limit, databasePool)
  if (most === undefined || maxConnections <= most) return { maxConnections, warning: undefined }
  const warning = `MAX_CONNECTIONS is ${maxConnections}, but this process may have ${limit} open files: it accepts ${most} streams. Raise the hard limit (ulimit -Hn, LimitNOFILE of systemd, --ulimit nofile of Docker), or lower MAX_CONNECTIONS`
  return { maxConnections: most, warning }
}
