import { setImmediate } from 'node:timers/promises'
import { sleep } from '../platform/time.ts'
import type { Router, Target } from './router.ts'

/** Bytes pending at which delivery waits for a flush: after an outage many events arrive at once. */
const MAX_PENDING_BYTES = 256 * 2 ** 10
/**
 * Streams that a flush writes to in one event-loop turn; each write is a system call of about 5 µs. Between two turns, requests are
 * served, and what was published meanwhile is sent to Postgres.
 */
const WRITES_PER_TURN = 250
/** Bytes that a flush writes in one event-loop turn, to all streams together: large events take longer than the calls. */
const BYTES_PER_TURN = 16 * 2 ** 20

/** What a flush writes to; an `Audience`. */
export interface Flushable extends Target {
  /** See `Audience.flush`. */
  flush(from: number): Iterable<number>
}

/** Options of {@link Flusher}. */
export interface FlusherOptions {
  router: Router<Flushable>
  /** Least time between two flushes, in milliseconds. */
  interval: number
  /** Called after each flush: the router's position has grown. */
  onFlushed: () => void
}

/**
 * Writes routed events to their audiences: at once after a quiet interval, and then at most once per interval, so that many
 * events become one write per stream. It yields to the event loop between the slices of a long flush.
 */
export class Flusher {
  readonly #options: FlusherOptions
  /** When the last flush began, of `performance.now()`. */
  #lastFlush = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  #isFlushing = false

  constructor(options: FlusherOptions) {
    this.#options = options
  }

  /** Whether so much is pending that more should wait for `flushAll`. */
  get isFull(): boolean {
    return this.#options.router.pendingBytes >= MAX_PENDING_BYTES
  }

  /** Flushes what is pending as soon as the interval allows. */
  schedule(): void {
    const { router, interval } = this.#options
    if (router.isEmpty || this.#timer !== undefined || this.#isFlushing) return
    const wait = this.#lastFlush + interval - performance.now()
    if (wait <= 0) void this.#flush()
    else this.#flushIn(wait)
  }

  /** Flushes until nothing is pending, whatever the interval; resolves when all of it was offered. */
  async flushAll(): Promise<void> {
    const { router } = this.#options
    while (!router.isEmpty || this.#isFlushing) {
      await this.#flush()
      if (!router.isEmpty || this.#isFlushing) await sleep(0)
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #flushIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#flush(), ms)
  }

  /** Serves as much as one slice of the router allows; the rest follows in the next event-loop turn. */
  async #flush(): Promise<void> {
    this.stop()
    if (this.#isFlushing) return
    this.#isFlushing = true
    const { router, onFlushed } = this.#options
    try {
      const from = router.position
      const offers = router.route().map((audience) => audience.flush(from))
      this.#lastFlush = performance.now()
      await this.#write(offers)
    } finally {
      this.#isFlushing = false
    }
    if (!router.isEmpty) this.#flushIn(0)
    onFlushed()
  }

  /** With few streams all of this happens in one event-loop turn. */
  async #write(offers: readonly Iterable<number>[]): Promise<void> {
    let writes = 0
    let bytes = 0
    for (const offer of offers) {
      for (const written of offer) {
        bytes += written
        if (++writes < WRITES_PER_TURN && bytes < BYTES_PER_TURN) continue
        // Not in the queue of `yieldToEventLoop`: all streams wait for a flush, and its slices are short.
        await setImmediate()
        writes = bytes = 0
      }
    }
  }
}
