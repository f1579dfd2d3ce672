import type { Config } from './config.ts'
import type { DatabaseAddress } from './database.ts'
import type { Logger } from './logger.ts'
import { Pool } from './pool.ts'

/** One for the publisher, one for the relay, one for the feed, one for all that is seldom. */
const EVENTS = 4
/** Few: what many read at once is shared, and more would only make Postgres busy. */
const READERS = 2
/** The queue's looks, and what running tasks read and write. */
const TASKS = 3

/** Connections of their own for each kind of work, so that none waits for another. */
export interface Pools {
  /** What orders and follows the log. */
  events: Pool
  /** Pages of the log for those who are behind, however many. */
  readers: Pool
  /** The application's own tables. */
  domain: Pool
  /** What runs in the background: people don't wait for it, nor it for them. */
  tasks: Pool
  end(): Promise<void>
}

/** The application gets what `DATABASE_POOL` leaves. */
export function createPools(
  address: DatabaseAddress,
  { databasePool, queryTimeoutMs }: Pick<Config, 'databasePool' | 'queryTimeoutMs'>,
  logger: Logger,
): Pools {
  const open = (max: number) =>
    new Pool({ address, max, timeout: queryTimeoutMs, logger: logger.child({ part: 'database' }) })
  const events = open(EVENTS)
  const readers = open(READERS)
  const domain = open(databasePool - EVENTS - READERS - TASKS)
  const tasks = open(TASKS)
  const end = async () => {
    await Promise.all([events, readers, domain, tasks].map((pool) => pool.end({ timeout: 1 })))
  }
  return { events, readers, domain, tasks, end }
}
