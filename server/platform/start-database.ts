import { migrationsDirectory } from './assets.ts'
import type { Config } from './config.ts'
import type { DatabaseAddress, Sql } from './database.ts'
import { isLoginRefused, isUnreachable } from './database-errors.ts'
import { EmbeddedPostgres } from './embedded-postgres/embedded-postgres.ts'
import { messageOf } from './errors.ts'
import type { Logger } from './logger.ts'
import { checkMigrated, migrate, readMigrations } from './migrate.ts'
import { MigrationError } from './migration-error.ts'
import { SECOND, sleep, untilAborted } from './time.ts'

/** Milliseconds that a start waits for a Postgres that is unreachable, because it may be starting as well. */
const DATABASE_TIMEOUT = 30 * SECOND

/**
 * The database of the configuration; without one, starts the embedded Postgres.
 *
 * @param options `signal` aborts the start
 * @throws {NoPostgresError} when the embedded Postgres can't run
 * @throws the reason of `signal` when it aborts
 */
export async function openDatabase(
  config: Config,
  logger: Logger,
  { signal }: { signal?: AbortSignal } = {},
): Promise<{ address: DatabaseAddress; embedded?: EmbeddedPostgres }> {
  if (config.databaseUrl !== undefined) return { address: config.databaseUrl }
  const embedded = await EmbeddedPostgres.start({
    directory: config.dataDir,
    logger: logger.child({ part: 'postgres' }),
    stopTimeout: config.shutdownTimeoutMs,
    ...(signal && { signal }),
  })
  return { address: embedded.address, embedded }
}

/**
 * Applies the migrations, or with `off` checks that they are applied.
 *
 * @returns how many migrations there are
 * @throws {MigrationError} when the database does not fit this program
 */
export async function applyMigrations(sql: Sql, mode: Config['migrate'], logger: Logger): Promise<number> {
  const migrations = await readMigrations(migrationsDirectory)
  if (mode === 'off') {
    await checkMigrated(sql, migrations)
  } else {
    const applied = await migrate(sql, migrations, { logger })
    if (applied.length > 0) logger.info({ applied: applied.map(({ name }) => name) }, 'migrated')
  }
  return migrations.length
}

/**
 * Runs a step of a start; while Postgres is unreachable, again every half second for half a minute.
 *
 * @param signal ends the wait, and does not wait for the attempt under way
 * @throws what the last attempt threw; the reason of `signal` when it aborts
 */
export async function whenReachable<T>(logger: Logger, action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const deadline = Date.now() + DATABASE_TIMEOUT
  for (let attempt = 1; ; attempt++) {
    try {
      return await untilAborted(action(), signal)
    } catch (error) {
      signal?.throwIfAborted()
      if (isLoginRefused(error)) throw error
      if (error instanceof MigrationError || !isUnreachable(error) || Date.now() > deadline) throw error
      if (attempt === 1) logger.warn({ problem: messageOf(error) }, 'waiting for Postgres')
      await sleep(SECOND / 2, signal)
      signal?.throwIfAborted()
    }
  }
}
