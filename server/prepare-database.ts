import type { Config } from './platform/config.ts'
import { connectDatabase, type DatabaseAddress } from './platform/database.ts'
import type { Logger } from './platform/logger.ts'
import { applyMigrations, whenReachable } from './platform/start-database.ts'
import { installQueue } from './tasks/queue.ts'

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
  const sql = connectDatabase(address, { max: 2, name: 'sse-update migrate', prepare: false })
  try {
    return await whenReachable(logger, async () => {
      const count = await applyMigrations(sql, migrate, logger)
      if (migrate === 'on') await installQueue(sql, logger)
      return count
    })
  } finally {
    await sql.end({ timeout: 1 })
  }
}
