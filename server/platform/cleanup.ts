import { isUnreachable } from './database-errors.ts'
import type { Logger } from './logger.ts'
import { Loop } from './loop.ts'

/** One kind of rows that expire. */
export interface Sweep {
  /** Names what is deleted, in the log: `tasks`. */
  name: string
  /** Deletes one small batch in one short transaction; resolves to how many rows were deleted, `0` when none are left. */
  run: () => Promise<number>
}

/** Deletes expired rows from `start` until `stop`. */
export interface Cleanup {
  start(): void
  /** Resolves when the batch under way has ended. */
  stop(): Promise<void>
}

/** What {@link createCleanup} needs. */
export interface CleanupOptions {
  sweeps: readonly Sweep[]
  /** Milliseconds from the end of a run, in which nothing was left, to the next. */
  interval: number
  logger: Logger
}

/**
 * Deletes expired rows, one batch of each sweep at a time, until nothing is left. Every instance runs one; sweeps skip
 * rows that another instance is deleting. A sweep that fails does not prevent the others; it is tried again after the
 * interval.
 */
export function createCleanup({ sweeps, interval, logger }: CleanupOptions): Cleanup {
  let isStopping = false
  const runSafely = async ({ name, run }: Sweep) => {
    try {
      const deleted = await run()
      if (deleted > 0) logger.info({ deleted, from: name }, 'deleted expired rows')
      return deleted
    } catch (error) {
      // While Postgres is unreachable the feed logs it.
      if (!isUnreachable(error)) logger.error({ err: error, from: name }, 'expired rows can not be deleted')
      return 0
    }
  }
  const loop = new Loop({
    interval,
    async work() {
      let deleted = 0
      for (const sweep of sweeps) if (!isStopping) deleted += await runSafely(sweep)
      if (deleted > 0) loop.wake()
    },
    onError: (error) => logger.error({ err: error }, 'the cleanup failed'),
  })
  return {
    start: () => loop.start(),
    stop() {
      isStopping = true
      return loop.stop()
    },
  }
}
