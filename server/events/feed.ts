import { AppError, messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import type { LoggedEvent } from './event.ts'
import type { Gap } from './frame.ts'
import type { EventLog, Page } from './log.ts'

export interface FeedOptions {
  log: EventLog
  /** Position after which it reads. */
  position: number
  /** Given every event after `position`, once each, in order. */
  deliver: (events: readonly LoggedEvent[]) => void
  /** The log goes on after `head`: events were purged before they were read, or (`unknown`) the log is another one. */
  skip: (head: number, reason: Gap['reason']) => void
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
  /** When the event at the position entered the log: what lies there later must be the same. */
  #time: number | undefined
  #problem: string | undefined

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

  /** Why the last read failed; `undefined` when it did not. */
  get problem(): string | undefined {
    return this.#problem
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
      const page = await this.#options.log.read({ after: this.#position, limit: PAGE, isUrgent: true })
      if (this.#problem !== undefined) this.#options.logger.info('the log can be read again')
      this.#problem = undefined
      head = page.head
      this.#options.onOldest(page.oldest)
      if (this.#isAnotherLog(page)) this.#skip(head, 'unknown')
      else if (page.oldest > this.#position + 1) this.#skip(page.oldest - 1, 'purged')
      if (page.events.length > 0 && page.events[0]?.position === this.#position + 1) this.#deliver(page.events)
      else if (this.#position < head)
        throw new Error(`position ${this.#position + 1} is not in the log, although its head is ${head}`)
    } while (this.#position < head)
  }

  /** A restored backup ends before the position, or has another event there. */
  #isAnotherLog({ head, timeAtCursor }: Page): boolean {
    if (head < this.#position) return true
    return timeAtCursor !== null && this.#time !== undefined && timeAtCursor.getTime() !== this.#time
  }

  #deliver(events: readonly LoggedEvent[]): void {
    this.#options.deliver(events)
    this.#position += events.length
    this.#time = events.at(-1)?.time.getTime()
  }

  #skip(head: number, reason: Gap['reason']): void {
    this.#options.logger.warn(
      { from: this.#position, to: head, reason },
      'the log does not go on where it was read; clients are told of a gap',
    )
    this.#position = head
    this.#time = undefined
    this.#options.skip(head, reason)
  }

  #onError(error: unknown): void {
    const problem = messageOf(error instanceof AppError ? (error.cause ?? error) : error)
    if (this.#problem === undefined) this.#options.logger.error({ problem }, 'the log can not be read')
    this.#problem = problem
  }
}
