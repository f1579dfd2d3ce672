import { createOutbox, type Outbox } from './log/outbox.ts'
import type { Config } from './platform/config.ts'
import type { DatabaseAddress } from './platform/database.ts'
import type { Lifecycle } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { createPools, type Pools } from './platform/pools.ts'
import type { Member } from './platform/process-group/member.ts'
import { openDatabase } from './platform/start-database.ts'
import { StuckTransactions } from './platform/stuck-transactions.ts'
import { SECOND } from './platform/time.ts'
import { prepareDatabase } from './prepare-database.ts'
import { createTaskSystem, type TaskSystem } from './shop/tasks/task-system.ts'

/** Milliseconds that the pools may take to close: a second for the queries under way, and one to end connections by force. */
const POOLS_TIMEOUT = 2 * SECOND

/** The Postgres of a process, with its tables made or checked. */
export interface Storage {
  address: DatabaseAddress
  pools: Pools
  /** Whether it is the embedded Postgres. */
  isEmbedded: boolean
  /** Number of migrations that this program knows. */
  migrations: number
}

/** What every command that runs for long starts with, and stops last. */
export interface StartOptions {
  config: Config
  logger: Logger
  lifecycle: Lifecycle
  /** Whether an embedded Postgres is created where there is none. Defaults to `false`. */
  mayCreate?: boolean
  /** The place of this process in a group, whose supervisor has opened and migrated the database. Defaults to none. */
  member?: Member | undefined
}

/**
 * Opens the database of the configuration, or starts the embedded one, and migrates it.
 *
 * @throws {MigrationError} when the database does not fit this program
 * @throws {NoPostgresError} when the embedded Postgres can't run
 */
export async function openStorage(options: StartOptions): Promise<Storage> {
  const { config, logger, lifecycle, member } = options
  const { address, isEmbedded } = member ? sharedDatabase(member, config) : await startDatabase(options)
  const pools = createPools(address, config, logger)
  await lifecycle.start('pools', { stop: () => pools.end() }, { stopTimeout: POOLS_TIMEOUT })
  const migrate = member ? 'off' : config.migrate
  const migrations = await prepareDatabase(address, { migrate }, logger, lifecycle.signal)
  return { address, pools, isEmbedded, migrations }
}

/**
 * The database of the configuration; without one, the embedded Postgres is a part of this process.
 *
 * @throws {NoPostgresError} when the embedded Postgres can't run
 */
export async function startDatabase({
  config,
  logger,
  lifecycle,
  mayCreate,
}: StartOptions): Promise<Pick<Storage, 'address' | 'isEmbedded'>> {
  const { address, embedded } = await openDatabase(config, logger, { mayCreate, signal: lifecycle.signal })
  if (embedded) await lifecycle.start('embedded Postgres', { stop: () => embedded.stop() })
  return { address, isEmbedded: embedded !== undefined }
}

/** The database that the supervisor has opened. */
function sharedDatabase({ assignment }: Member, { databaseUrl }: Config): Pick<Storage, 'address' | 'isEmbedded'> {
  const address = assignment.embedded ?? databaseUrl
  if (address === undefined) throw new Error('the supervisor has named no database')
  return { address, isEmbedded: assignment.embedded !== undefined }
}

/** Ends transactions of frozen processes, on whichever kind of process notices them first. */
export const watchStuckTransactions = (pools: Pick<Pools, 'events'>, logger: Logger): StuckTransactions =>
  new StuckTransactions({ database: pools.events, logger: logger.child({ part: 'database' }) })

/** The tasks of a process, and the outbox that its own requests publish through. */
export interface Work {
  outbox: Outbox
  tasks: TaskSystem
}

/** @param onPublished called after a transaction that has put events into the outbox */
export function createWork(config: Config, pools: Pools, onPublished: () => void, logger: Logger): Work {
  const outbox = createOutbox({ database: pools.domain, onPublished })
  const tasks = createTaskSystem({ outbox, pools, onPublished, config, logger: logger.child({ part: 'tasks' }) })
  return { outbox, tasks }
}
