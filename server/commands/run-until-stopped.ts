import type { Logger } from '../platform/logger.ts'
import { stopRequested } from './stop-signal.ts'

/** What {@link runUntilStopped} needs. */
export interface RunOptions<T> {
  /** Starts what is run; rejects with the signal's reason when it aborts, after all that was started has stopped. */
  start: (signal: AbortSignal) => Promise<T>
  /** Called when it runs. */
  onRunning: (running: T) => void
  logger: Logger
}

/**
 * Runs something until SIGTERM, SIGINT or SIGHUP. A signal during the start aborts it, and is a stop like any other: it
 * resolves, and the process exits with 0.
 *
 * @throws what the start or the stop throws
 */
export async function runUntilStopped<T extends { stop(): Promise<void> }>({
  start,
  onRunning,
  logger,
}: RunOptions<T>): Promise<void> {
  const stopping = new AbortController()
  const requested = stopRequested().then((signal) => {
    logger.info({ signal }, 'stopping')
    stopping.abort()
  })
  const running = await start(stopping.signal).catch((error) => {
    if (error !== stopping.signal.reason) throw error
  })
  if (running) {
    onRunning(running)
    await requested
    await running.stop()
  }
  logger.info('stopped')
}
