import type { Config } from './config.ts'
import type { DatabaseAddress } from './database.ts'
import type { Logger } from './logger.ts'
import { Pool } from './pool.ts'

/** One each for the publisher, the relay and the feed, and one for what runs rarely. */
const EVENTS = 4
/** Few: concurrent reads of the same page are shared, and more connections would only add load to Postgres. */
const READERS = 2
/** Polls of the queue, and what running tasks read and write. */
const TASKS = 3

/** Separate connections for each kind of work, so that none waits for another. */
export interface Pools {
  /** For what appends to the log and follows it, and for monitoring. */
  events: Pool
  /** For pages of the log, read by streams that are behind and by history. */
  readers: Pool
  /** For the application's own tables. */
  domain: Pool
  /** For background work, which neither delays requests nor is delayed by them. */
  tasks: Pool
  /** Closes all connections, after at most a second for the queries under way. */
  end(): Promise<void>
}

/** Opens the pools: `DATABASE_POOL` connections in total, of which the application gets what the others leave. */
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
