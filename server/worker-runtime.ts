import { createLog } from './log/log.ts'
import { createOutbox } from './log/outbox.ts'
import { Relay } from './log/relay.ts'
import type { Config } from './platform/config.ts'
import { describeAddress } from './platform/database.ts'
import type { Logger } from './platform/logger.ts'
import { createPools } from './platform/pools.ts'
import { openDatabase } from './platform/start-database.ts'
import { StuckTransactions } from './platform/stuck-transactions.ts'
import { prepareDatabase } from './prepare-database.ts'
import { createTaskSystem } from './shop/tasks/task-system.ts'

/** A worker without HTTP. */
export interface WorkerRuntime {
  /** Which Postgres it uses, without a password. */
  database: string
  /** Lets running tasks end, and gives those that take longer than `SHUTDOWN_TIMEOUT_MS` to others. */
  stop(): Promise<void>
}

/**
 * Takes tasks up and publishes their events, and nothing else.
 *
 * @throws {MigrationError} when the database does not fit this program
 */
export async function startWorker(config: Config, logger: Logger): Promise<WorkerRuntime> {
  const { address, embedded } = await openDatabase(config, logger)
  const pools = createPools(address, config, logger)
  const end = async () => {
    await pools.end()
    await embedded?.stop()
  }
  try {
    await prepareDatabase(address, config, logger)
    const relay = new Relay({
      log: createLog(pools.events, pools.readers),
      // Those that serve are notified.
      onMoved: () => {},
      interval: config.outboxPollMs,
      logger: logger.child({ part: 'relay' }),
    })
    const stuckTransactions = new StuckTransactions({
      database: pools.events,
      logger: logger.child({ part: 'database' }),
    })
    const onPublished = () => relay.wake()
    const outbox = createOutbox({ database: pools.domain, onPublished })
    const taskSystem = createTaskSystem({ outbox, pools, onPublished, config, logger: logger.child({ part: 'tasks' }) })
    relay.start()
    stuckTransactions.start()
    await taskSystem.start()
    return {
      database: describeAddress(address),
      async stop() {
        await taskSystem.stop(config.shutdownTimeoutMs)
        await Promise.all([relay.stop(), stuckTransactions.stop()])
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}
