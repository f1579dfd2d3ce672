import type { Logger } from '../platform/logger.ts'
import { stopRequested } from './stop-signal.ts'

/** What is run. */
interface Stoppable {
  stop(): Promise<void>
  /** Rejects when it can't go on by itself. */
  failed?: Promise<never>
}

/** What {@link runUntilStopped} needs. */
export interface RunOptions<T> {
  /** Starts what is run; rejects with the signal's reason when it aborts, after all that was started has stopped. */
  start: (signal: AbortSignal) => Promise<T>
  /** Called when it runs. */
  onRunning: (running: T) => void
  /** Resolves to the reason of the stop. Defaults to the first signal. */
  requested?: Promise<string>
  logger: Logger
}

/**
 * Runs something until SIGTERM, SIGINT or SIGHUP. A signal during the start aborts it, and is a stop like any other: it
 * resolves, and the process exits with 0.
 *
 * @throws what the start or the stop throws; what it fails with while it runs, after it has been stopped
 */
export async function runUntilStopped<T extends Stoppable>({
  start,
  onRunning,
  requested = stopRequested(),
  logger,
}: RunOptions<T>): Promise<void> {
  const stopping = new AbortController()
  const stopped = requested.then((signal) => {
    logger.info({ signal }, 'stopping')
    stopping.abort()
  })
  const running = await start(stopping.signal).catch((error) => {
    if (error !== stopping.signal.reason) throw error
  })
  if (running) {
    onRunning(running)
    try {
      await Promise.race([stopped, running.failed ?? stopped])
    } finally {
      await running.stop()
    }
  }
  logger.info('stopped')
}
