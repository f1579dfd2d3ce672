import type { Hole } from '../log/holes.ts'
import type { EventLog, Page } from '../log/log.ts'
import { AppError, messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import { SECOND, sleep } from '../platform/time.ts'
import type { Gap } from '../protocol/control-events.ts'
import type { LoggedEvent } from '../protocol/event.ts'

export interface FeedOptions {
  log: EventLog
  /** Position after which it reads. */
  position: number
  /** Given every event after `position`, once each, in order. */
  deliver: (events: readonly LoggedEvent[]) => Promise<void>
  /**
   * The log goes on after `head`: events were purged before they were read, they are missing (`lost`), or the log is
   * another one (`unknown`).
   */
  skip: (head: number, reason: Gap['reason']) => Promise<void>
  /** Told the position of the oldest event kept, on every look at the log. */
  onOldest: (oldest: number) => void
  /** Milliseconds between looks at the log that nobody asked for. */
  interval: number
  /** Milliseconds until a hole counts as lost. Defaults to `2_000`. */
  holePatience?: number
  logger: Logger
}

/** Events of one read. */
const PAGE = 2000

const HOLE_PATIENCE = 2 * SECOND

/** Milliseconds that one look at the log may take before it counts as a problem. */
const PATIENCE = 2 * SECOND

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
  /** When the read under way began. */
  #readingSince: number | undefined
  /** A hole that comes next, and that was waited for. */
  #hole: number | undefined
  readonly #stopping = new AbortController()

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

  /** Why the last read failed, or that it takes long; `undefined` when neither. */
  get problem(): string | undefined {
    const waited = this.#readingSince === undefined ? 0 : performance.now() - this.#readingSince
    if (this.#problem !== undefined || waited < PATIENCE) return this.#problem
    return `no answer from Postgres for ${Math.floor(waited / SECOND)} s`
  }

  start(): void {
    this.#loop.start()
  }

  /** A hint that there may be events; `head` is the newest position, when it is known. */
  wake(head = Number.POSITIVE_INFINITY): void {
    if (head > this.#position) this.#loop.wake()
  }

  stop(): Promise<void> {
    this.#stopping.abort()
    return this.#loop.stop()
  }

  async #catchUp(): Promise<void> {
    let head: number
    do {
      const page = await this.#read()
      if (this.#problem !== undefined) this.#options.logger.info('the log can be read again')
      this.#problem = undefined
      head = page.head
      this.#options.onOldest(page.oldest)
      if (this.#isAnotherLog(page)) await this.#skip(head, 'unknown')
      else if (page.oldest > this.#position + 1) await this.#skip(page.oldest - 1, 'purged')
      else if (page.hole) {
        await this.#pass(page.hole)
        continue
      }
      if (page.events.length > 0 && page.events[0]?.position === this.#position + 1) await this.#deliver(page.events)
      else if (this.#position < head)
        throw new Error(`position ${this.#position + 1} is not in the log, although its head is ${head}`)
    } while (this.#position < head && !this.#stopping.signal.aborted)
  }

  async #read(): Promise<Page> {
    this.#readingSince = performance.now()
    try {
      return await this.#options.log.read({ after: this.#position, limit: PAGE, isUrgent: true })
    } finally {
      this.#readingSince = undefined
    }
  }

  /**
   * Rows come in the transaction that moves the head, so what is missing does not come later. A partition that is detached
   * for a moment does: so it is waited for a little, once.
   */
  async #pass(hole: Hole): Promise<void> {
    if (this.#hole === this.#position) return this.#skip(hole.to, 'lost')
    this.#hole = this.#position
    await sleep(this.#options.holePatience ?? HOLE_PATIENCE, this.#stopping.signal)
  }

  /** A restored backup ends before the position, or has another event there. */
  #isAnotherLog({ head, timeAtCursor }: Page): boolean {
    if (head < this.#position) return true
    return timeAtCursor !== null && this.#time !== undefined && timeAtCursor.getTime() !== this.#time
  }

  async #deliver(events: readonly LoggedEvent[]): Promise<void> {
    await this.#options.deliver(events)
    this.#position += events.length
    this.#time = events.at(-1)?.time.getTime()
  }

  async #skip(head: number, reason: Gap['reason']): Promise<void> {
    // What is lost was logged by those who found it.
    if (reason !== 'lost') {
      this.#options.logger.warn(
        { from: this.#position, to: head, reason },
        'the log does not go on where it was read; clients are told of a gap',
      )
    }
    await this.#options.skip(head, reason)
    this.#position = head
    this.#time = undefined
  }

  #onError(error: unknown): void {
    const problem = messageOf(error instanceof AppError ? (error.cause ?? error) : error)
    if (this.#problem === undefined) this.#options.logger.error({ problem }, 'the log can not be read')
    this.#problem = problem
  }
}
