import { isUnreachable } from './database-errors.ts'
import type { Logger } from './logger.ts'
import { Loop } from './loop.ts'

/** One kind of rows that do not stay for ever. */
export interface Sweep {
  /** What is deleted, for the log: `tasks`. */
  name: string
  /** Deletes one small batch in one short transaction; resolves to how many rows were deleted, `0` when none are left. */
  run: () => Promise<number>
}

/** Runs until it is stopped. */
export interface Cleanup {
  start(): void
  /** Resolves when the batch under way has ended. */
  stop(): Promise<void>
}

export interface CleanupOptions {
  sweeps: readonly Sweep[]
  /** Milliseconds between looks for what has expired. */
  interval: number
  logger: Logger
}

/**
 * Deletes what has expired, a batch of each kind at a time, until nothing is left. Every instance has one: they skip the
 * rows that another one deletes. A sweep that fails does not keep the others from their turn; it is tried again after
 * the interval.
 */
export function createCleanup({ sweeps, interval, logger }: CleanupOptions): Cleanup {
  let isStopping = false
  const runSafely = async ({ name, run }: Sweep) => {
    try {
      const deleted = await run()
      if (deleted > 0) logger.info({ deleted, from: name }, 'deleted what has expired')
      return deleted
    } catch (error) {
      // While Postgres is away the feed says so.
      if (!isUnreachable(error)) logger.error({ err: error, from: name }, 'what has expired can not be deleted')
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
