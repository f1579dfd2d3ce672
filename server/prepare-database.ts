import type { Config } from './platform/config.ts'
import { connectDatabase, type DatabaseAddress } from './platform/database.ts'
import type { Logger } from './platform/logger.ts'
import { Pool } from './platform/pool.ts'
import { applyMigrations, whenReachable } from './platform/start-database.ts'
import { SECOND } from './platform/time.ts'
import { installQueue } from './shop/tasks/queue.ts'

/** Milliseconds that one statement of the queue's installation may take. */
const TIMEOUT = 30 * SECOND

/**
 * Creates or migrates all tables, those of the log and of the queue, once Postgres is reachable; with `migrate: 'off'`, checks
 * that they are up to date. It may take longer than a query of a pool: it has its own connections.
 *
 * @returns how many migrations there are
 * @param signal aborts it: what is under way is rolled back
 * @throws {MigrationError} when the database does not fit this program
 * @throws {NoPostgresError} when Postgres is unreachable for half a minute
 */
export async function prepareDatabase(
  address: DatabaseAddress,
  { migrate }: Pick<Config, 'migrate'>,
  logger: Logger,
  signal?: AbortSignal,
): Promise<number> {
  // One that works, and one that reads what the first one waits for.
  const sql = connectDatabase(address, { max: 2, name: 'sse-update migrate', prepare: false })
  const pool = new Pool({ address, max: 2, timeout: TIMEOUT, logger })
  try {
    const prepare = async () => {
      const count = await applyMigrations(sql, migrate, logger)
      if (migrate === 'on') await installQueue(sql, pool, logger)
      return count
    }
    return await whenReachable(logger, prepare, { address, signal })
  } finally {
    const timeout = signal?.aborted ? 0 : 1
    await Promise.all([sql.end({ timeout }), pool.end({ timeout })])
  }
}
