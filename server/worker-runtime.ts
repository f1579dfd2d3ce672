import { createWork, openStorage, watchStuckTransactions } from './common-runtime.ts'
import { createLog } from './log/log.ts'
import { Relay } from './log/relay.ts'
import type { Config } from './platform/config.ts'
import { describeAddress } from './platform/database.ts'
import { together, withLifecycle } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'

/** A worker without HTTP. */
export interface WorkerRuntime {
  /** Which Postgres it uses, without a password. */
  database: string
  /** Lets running tasks end, and gives those that take longer than `SHUTDOWN_TIMEOUT_MS` to other workers. */
  stop(): Promise<void>
}

/**
 * Starts a process that runs tasks and publishes their events, and does nothing else.
 *
 * @throws {MigrationError} when the database does not fit this program
 */
export const startWorker = (config: Config, logger: Logger): Promise<WorkerRuntime> =>
  withLifecycle(logger, async (lifecycle) => {
    const { address, pools } = await openStorage({ config, logger, lifecycle })
    const relay = new Relay({
      log: createLog(pools.events, pools.readers),
      // A worker has no streams: the instances that serve are notified by Postgres.
      onMoved: () => {},
      interval: config.outboxPollMs,
      logger: logger.child({ part: 'relay' }),
    })
    const { tasks } = createWork(config, pools, () => relay.wake(), logger)
    await lifecycle.start('background', together({ relay, stuckTransactions: watchStuckTransactions(pools, logger) }))
    await lifecycle.start('tasks', {
      start: () => tasks.start(),
      stop: () => tasks.stop(config.shutdownTimeoutMs),
    })
    return { database: describeAddress(address), stop: () => lifecycle.stop() }
  })
