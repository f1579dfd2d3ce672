import { migrationsDirectory } from './assets.ts'
import type { Config } from './config.ts'
import { type DatabaseAddress, type Sql, serverOf } from './database.ts'
import { isLoginRefused, isUnreachable } from './database-errors.ts'
import { NoPostgresError } from './embedded-postgres/binaries.ts'
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
 * @param options `mayCreate`: whether a data directory without a database gets one. Defaults to `false`: a command that runs in
 * another folder than the server would work on an empty database of its own. `serve` and `migrate` are there to create one. `signal` aborts the start
 * @throws {NoPostgresError} when the embedded Postgres can't run, or there is no database and `mayCreate` is `false`
 * @throws the reason of `signal` when it aborts
 */
export async function openDatabase(
  config: Config,
  logger: Logger,
  { mayCreate = false, signal }: { mayCreate?: boolean | undefined; signal?: AbortSignal } = {},
): Promise<{ address: DatabaseAddress; embedded?: EmbeddedPostgres }> {
  if (config.databaseUrl !== undefined) return { address: config.databaseUrl }
  const embedded = await EmbeddedPostgres.start({
    directory: config.dataDir,
    mayCreate,
    logger: logger.child({ part: 'postgres' }),
    stopTimeout: config.shutdownTimeoutMs,
    maxConnections: connectionsOf(config),
    ...(signal && { signal }),
  })
  return { address: embedded.address, embedded }
}

/** Connections of all processes on one Postgres: pools and listeners, and some for other programs. */
const connectionsOf = ({ processes, databasePool }: Pick<Config, 'processes' | 'databasePool'>): number =>
  Math.max(300, processes * (databasePool + 2) + 50)

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
 * @param options `address` for messages; `signal` ends the wait, and does not wait for the attempt under way
 * @throws {NoPostgresError} when Postgres is still unreachable then; other errors of the step as they are; the reason of `signal`
 * when it aborts
 */
export async function whenReachable<T>(
  logger: Logger,
  action: () => Promise<T>,
  { address, signal }: { address?: DatabaseAddress | undefined; signal?: AbortSignal | undefined } = {},
): Promise<T> {
  const deadline = Date.now() + DATABASE_TIMEOUT
  const place = address === undefined ? 'Postgres' : `Postgres at ${serverOf(address)}`
  const setting = typeof address === 'string' ? { setting: 'DATABASE_URL' } : {}
  for (let attempt = 1; ; attempt++) {
    try {
      return await untilAborted(action(), signal)
    } catch (error) {
      signal?.throwIfAborted()
      if (isLoginRefused(error) || error instanceof MigrationError || !isUnreachable(error)) throw error
      if (Date.now() > deadline) {
        const source = setting.setting ? ` (${setting.setting})` : ''
        throw new NoPostgresError(`No ${place} after ${DATABASE_TIMEOUT / SECOND} s${source}: ${messageOf(error)}`)
      }
      if (attempt === 1) logger.warn({ ...setting, problem: messageOf(error) }, `waiting for ${place}`)
      await sleep(SECOND / 2, signal)
      signal?.throwIfAborted()
    }
  }
}
