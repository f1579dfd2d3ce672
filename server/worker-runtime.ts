import { createWork, openStorage, watchStuckTransactions } from './common-runtime.ts'
import { createLog } from './log/log.ts'
import { Relay } from './log/relay.ts'
import type { Config } from './platform/config.ts'
import { describeAddress } from './platform/database.ts'
import { Lifecycle, together, withLifecycle } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'

/** A worker without HTTP. */
export interface WorkerRuntime {
  /** Which Postgres it uses, without a password. */
  database: string
  /**
   * Lets running tasks end, gives those that take longer than half of `SHUTDOWN_TIMEOUT_MS` to other workers, and
   * disconnects from Postgres. What is not finished after `SHUTDOWN_TIMEOUT_MS` is ended by force.
   */
  stop(): Promise<void>
}

/**
 * Starts a process that runs tasks and publishes their events, and does nothing else.
 *
 * @param signal aborts the start, and stops what was started by then
 * @throws {MigrationError} when the database does not fit this program
 * @throws the reason of `signal` when it aborts during the start
 */
export const startWorker = (config: Config, logger: Logger, signal?: AbortSignal): Promise<WorkerRuntime> =>
  withLifecycle(
    logger,
    async (lifecycle) => {
      const { address, pools } = await openStorage({ config, logger, lifecycle })
      const relay = new Relay({
        log: createLog(pools.events, pools.readers),
        // A worker has no streams: the instances that serve are notified by Postgres.
        onMoved: () => {},
        interval: config.outboxPollMs,
        logger: logger.child({ part: 'relay' }),
      })
      const { tasks } = createWork(config, pools, () => relay.wake(), logger)
      const parts = new Lifecycle(logger)
      await lifecycle.start('parts', { stop: () => parts.stop() }, { stopTimeout: config.shutdownTimeoutMs })
      await parts.start('background', together({ relay, stuckTransactions: watchStuckTransactions(pools, logger) }))
      await parts.start('tasks', {
        start: (signal) => tasks.start(signal),
        stop: () => tasks.stop(config.shutdownTimeoutMs / 2),
      })
      return { database: describeAddress(address), stop: () => lifecycle.stop() }
    },
    signal,
  )
