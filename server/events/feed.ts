import { messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import type { LoggedEvent } from './event.ts'
import type { EventLog } from './log.ts'

export interface FeedOptions {
  log: EventLog
  /** Position after which it reads. */
  position: number
  /** Given every event after `position`, once each, in order. */
  deliver: (events: readonly LoggedEvent[]) => void
  /** The log goes on after `head`: events were purged before they were read, or the log is another one. */
  skip: (head: number) => void
  /** Told the position of the oldest event kept, on every look at the log. */
  onOldest: (oldest: number) => void
  /** Milliseconds between looks at the log that nobody asked for. */
  interval: number
  logger: Logger
}

/** Events of one read. */
const PAGE = 2000

/**
 * Follows the log, once per instance: reads what comes after its position, on a hint and on a slow tick.
 *
 * **A lost, doubled or late hint changes latency, never content**: what is delivered comes from reading, and the next
 * position is the last plus one.
 */
export class Feed {
  readonly #options: FeedOptions
  readonly #loop: Loop
  #position: number
  #isReachable = true

  constructor(options: FeedOptions) {
    this.#options = options
    this.#position = options.position
    this.#loop = new Loop({
      interval: options.interval,
      work: () => this.#catchUp(),
      onError: (error) => this.#onError(error),
    })
  }

  /** Position of the last event delivered. */
  get position(): number {
    return this.#position
  }

  /** Whether the last read succeeded. */
  get isReachable(): boolean {
    return this.#isReachable
  }

  start(): void {
    this.#loop.start()
  }

  /** A hint that there may be events; `head` is the newest position, when it is known. */
  wake(head = Number.POSITIVE_INFINITY): void {
    if (head > this.#position) this.#loop.wake()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  async #catchUp(): Promise<void> {
    let head: number
    do {
      const page = await this.#options.log.read({ after: this.#position, limit: PAGE })
      if (!this.#isReachable) this.#options.logger.info('the log is in reach again')
      this.#isReachable = true
      head = page.head
      this.#options.onOldest(page.oldest)
      if (head < this.#position) this.#skip(head)
      else if (page.oldest > this.#position + 1) this.#skip(page.oldest - 1)
      if (page.events.length > 0) this.#deliver(page.events)
    } while (this.#position < head)
  }

  #deliver(events: readonly LoggedEvent[]): void {
    this.#options.deliver(events)
    this.#position += events.length
  }

  #skip(head: number): void {
    this.#options.logger.warn(
      { from: this.#position, to: head },
      'the log does not go on where it was read; clients are told of a gap',
    )
    this.#position = head
    this.#options.skip(head)
  }

  #onError(error: unknown): void {
    if (this.#isReachable) {
      const { cause } = error as Error
      this.#options.logger.error({ problem: messageOf(cause ?? error) }, 'the log is out of reach')
    }
    this.#isReachable = false
  }
}
