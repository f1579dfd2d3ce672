import { migrationsDirectory } from './assets.ts'
import type { Config } from './config.ts'
import { connectDatabase, type DatabaseAddress, type Sql } from './database.ts'
import { isUnreachable } from './database-errors.ts'
import { EmbeddedPostgres } from './embedded-postgres/embedded-postgres.ts'
import { messageOf } from './errors.ts'
import type { Logger } from './logger.ts'
import { checkMigrated, MigrationError, migrate, readMigrations } from './migrate.ts'
import { SECOND, sleep } from './time.ts'

/** How long a start waits for a Postgres that is starting too. */
const DATABASE_TIMEOUT = 30 * SECOND

/** The database of the configuration, or an embedded one. */
export async function openDatabase(
  config: Config,
  logger: Logger,
): Promise<{ address: DatabaseAddress; embedded?: EmbeddedPostgres }> {
  if (config.databaseUrl !== undefined) return { address: config.databaseUrl }
  const embedded = await EmbeddedPostgres.start({
    directory: config.dataDir,
    logger: logger.child({ part: 'postgres' }),
  })
  return { address: embedded.address, embedded }
}

/** Migrations take longer than the pool's queries may: they have a connection of their own. */
export async function migrateOnce(address: DatabaseAddress, config: Config, logger: Logger): Promise<number> {
  const sql = connectDatabase(address, { max: 1, name: 'sse-update migrate', prepare: false })
  try {
    return await applyMigrations(sql, config, logger)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** Applies or checks the migrations, once Postgres answers; answers how many there are. */
export async function applyMigrations(sql: Sql, config: Pick<Config, 'migrate'>, logger: Logger): Promise<number> {
  const migrations = await readMigrations(migrationsDirectory)
  const deadline = Date.now() + DATABASE_TIMEOUT
  for (let attempt = 1; ; attempt++) {
    try {
      if (config.migrate === 'off') {
        await checkMigrated(sql, migrations)
        return migrations.length
      }
      const applied = await migrate(sql, migrations)
      if (applied.length > 0) logger.info({ applied: applied.map(({ name }) => name) }, 'migrated')
      return migrations.length
    } catch (error) {
      if (error instanceof MigrationError || !isUnreachable(error) || Date.now() > deadline) throw error
      if (attempt === 1) logger.warn({ problem: messageOf(error) }, 'waiting for Postgres')
      await sleep(SECOND / 2)
    }
  }
}
