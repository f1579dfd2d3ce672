import type { Config } from './platform/config.ts'
import { connectDatabase, type DatabaseAddress } from './platform/database.ts'
import type { Logger } from './platform/logger.ts'
import { Pool } from './platform/pool.ts'
import { applyMigrations, whenReachable } from './platform/start-database.ts'
import { SECOND } from './platform/time.ts'
import { installQueue } from './shop/tasks/queue.ts'

/** Milliseconds that one step of the queue's installation may take. */
const TIMEOUT = 30 * SECOND

/**
 * Makes all tables or brings them up to date, the log's and the queue's, once Postgres answers; without `migrate`, checks
 * that they are. That takes longer than the pool's queries may: it has connections of its own.
 *
 * @returns how many migrations there are
 * @throws {MigrationError} when the database does not fit this program
 */
export async function prepareDatabase(
  address: DatabaseAddress,
  { migrate }: Pick<Config, 'migrate'>,
  logger: Logger,
): Promise<number> {
  // One that works, and one that looks at what it waits for.
  const sql = connectDatabase(address, { max: 2, name: 'sse-update migrate', prepare: false })
  const pool = new Pool({ address, max: 2, timeout: TIMEOUT, logger })
  try {
    return await whenReachable(logger, async () => {
      const count = await applyMigrations(sql, migrate, logger)
      if (migrate === 'on') await installQueue(sql, pool, logger)
      return count
    })
  } finally {
    await Promise.all([sql.end({ timeout: 1 }), pool.end({ timeout: 1 })])
  }
}
