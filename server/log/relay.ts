import { isUnreachable } from '../platform/database-errors.ts'
import { messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import { sleep } from '../platform/time.ts'
import type { EventLog } from './log.ts'

/** What a relay needs. */
export interface RelayOptions {
  log: Pick<EventLog, 'relay'>
  /** Called when events were moved into the log. */
  onMoved: () => void
  /** Poll interval in milliseconds. */
  interval: number
  logger: Logger
}

/** Events moved in one transaction. */
const BATCH = 500
/**
 * A rest after a batch that was not full, as a multiple of the time that the batch took. A move has costs of its own, however few
 * events it moves: without a rest, a steady stream of events is moved in small batches, by a relay that is always at work.
 */
const REST = 4

/**
 * Moves committed events from the outbox into the log. Every instance has one; Postgres lets one at a time do it, so
 * when an instance ends another one continues.
 */
export class Relay {
  readonly #options: RelayOptions
  readonly #loop: Loop
  readonly #stopping = new AbortController()
  #problem: string | undefined
  #moved = 0
  #movedAt = Number.NEGATIVE_INFINITY

  constructor(options: RelayOptions) {
    this.#options = options
    this.#loop = new Loop({
      interval: options.interval,
      work: () => this.#moveAll(),
      onError: (error) => this.#onError(error),
    })
  }

  /** Why the last move failed; `undefined` when it did not. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Events moved since the start. */
  get moved(): number {
    return this.#moved
  }

  /** Milliseconds since it moved some; infinite when it never did. */
  get idle(): number {
    return performance.now() - this.#movedAt
  }

  start(): void {
    this.#loop.start()
  }

  /** A hint that the outbox holds something: call it right after a commit that published. */
  wake(): void {
    this.#loop.wake()
  }

  /** Cuts a rest short, and resolves after the batch under way or the next one. What is left waits for another relay, or for the next start. */
  stop(): Promise<void> {
    this.#stopping.abort()
    return this.#loop.stop()
  }

  /** Moves batches until one is empty: one that is not full may have been cut by size. */
  async #moveAll(): Promise<void> {
    while (true) {
      const start = performance.now()
      const moved = await this.#options.log.relay(BATCH)
      this.#problem = undefined
      if (!moved) return
      this.#moved += moved
      this.#movedAt = performance.now()
      this.#options.onMoved()
      if (moved >= BATCH) continue
      if (this.#stopping.signal.aborted) return
      await sleep(Math.min(REST * (this.#movedAt - start), this.#options.interval), this.#stopping.signal)
    }
  }

  #onError(error: unknown): void {
    const problem = messageOf(error)
    // While Postgres is unavailable, the feed logs it; here it would be logged twenty times a second.
    if (!isUnreachable(error) && problem !== this.#problem) {
      this.#options.logger.error({ err: error }, 'the outbox can not be moved into the log')
    }
    this.#problem = problem
  }
}
