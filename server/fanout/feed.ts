import type { Bounds } from '../log/bounds.ts'
import type { Commit } from '../log/commit.ts'
import type { EventLog } from '../log/log.ts'
import type { Page } from '../log/read-page.ts'
import { AppError, messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import { SECOND, sleep } from '../platform/time.ts'
import type { Gap } from '../protocol/control-events.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { OwnCommits } from './own-commits.ts'

/** What a feed reads, and what it calls. */
export interface FeedOptions {
  log: Pick<EventLog, 'read' | 'renewEpoch' | 'discardEpoch'>
  /** Position after which it reads. */
  position: number
  /** Epoch of that position. */
  epoch: string
  /** Called with every event after `position`, once each, in order. */
  deliver: (events: readonly LoggedEvent[]) => Promise<void>
  /**
   * The log continues after `head`: events were purged before they were read, they are missing (`lost`), or the log is
   * another one (`unknown`), in this epoch.
   */
  skip: (head: number, reason: Gap['reason'], epoch: string) => Promise<void>
  /** The log has another epoch, and the same events up to `shared`, which is the feed's position at least. */
  renew: (epoch: string, shared: number) => void
  /** Called with the bounds of the log on every read. */
  onBounds: (bounds: Bounds) => void
  /** Poll interval in milliseconds. */
  interval: number
  /** Milliseconds until a hole counts as lost. Defaults to `2_000`. */
  holePatience?: number
  logger: Logger
}

/** Events of one read. */
const PAGE = 2000

const HOLE_PATIENCE = 2 * SECOND

/** Milliseconds by which a timer may fire early. */
const TIMER_PRECISION = 1

/** Milliseconds that one read may take before it counts as a problem. */
const READ_TIMEOUT = 2 * SECOND

/**
 * Follows the log, once per instance: reads what comes after its position, on a hint and at the poll interval.
 *
 * **A lost, duplicated or late hint changes latency, never content**: what is delivered comes from reading, and the next
 * position is the last plus one.
 *
 * What this instance has committed itself is delivered without reading it back, when it is what a read would return: it follows
 * the position, in the same epoch, and the event before it is the one that was delivered last.
 *
 * Its position and epoch are a cursor, checked by the same rule as a client's. So when the log is restored, its next
 * read detects it, and it continues where the new log allows.
 */
export class Feed {
  readonly #options: FeedOptions
  readonly #loop: Loop
  #position: number
  #epoch: string
  /** When the event at the position entered the log: what is there later must be the same. */
  #time: number | undefined
  #problem: string | undefined
  /** When the read under way began. */
  #readingSince: number | undefined
  /** A hole that comes next, and that was waited for. */
  #hole: number | undefined
  /** Bounds of the last read that was followed. */
  #bounds: Bounds | undefined
  /** When that was, of `performance.now()`. */
  #lastRead = Number.NEGATIVE_INFINITY
  readonly #commits = new OwnCommits(() => this.#loop.wake())
  /** The newest position that hints have named since the last run. */
  #hint = 0
  readonly #stopping = new AbortController()

  constructor(options: FeedOptions) {
    this.#options = options
    this.#position = options.position
    this.#epoch = options.epoch
    this.#loop = new Loop({
      interval: options.interval,
      work: () => this.#run(),
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
    if (this.#problem !== undefined || waited < READ_TIMEOUT) return this.#problem
    return `Postgres has not responded for ${Math.floor(waited / SECOND)} s`
  }

  start(): void {
    this.#loop.start()
  }

  /** A hint that there may be events; `head` is the newest position, when it is known. */
  wake(head = Number.POSITIVE_INFINITY): void {
    if (!(head > this.#position && head > this.#commits.reach)) return
    this.#hint = Math.max(this.#hint, head)
    this.#loop.wake()
  }

  /**
   * Takes what this instance appends, when it is committed. It need not be complete or in order: what is missing is read.
   *
   * @param append that has begun; `undefined` when the events must be read
   */
  take(append: Promise<Commit | undefined>): void {
    this.#commits.add(append)
  }

  stop(): Promise<void> {
    this.#stopping.abort()
    return this.#loop.stop()
  }

  /** Bounds are read at each interval, however many commits are taken in between. */
  async #run(): Promise<void> {
    // Postgres sends the notification of an own commit at the same time as the response.
    if (this.#hint < Number.POSITIVE_INFINITY && this.#hint > 0) await this.#commits.untilSettled()
    await this.#takeCommits()
    const isHinted = this.#hint > this.#position
    this.#hint = 0
    if (isHinted || performance.now() - this.#lastRead >= this.#options.interval - TIMER_PRECISION)
      await this.#catchUp()
  }

  async #takeCommits(): Promise<void> {
    for (let commit = this.#commits.first; commit; commit = this.#commits.first) {
      try {
        if (this.#isNext(commit)) await this.#deliverCommit(commit)
        else this.#hint = Math.max(this.#hint, commit.position + commit.events.length)
      } finally {
        this.#commits.drop()
      }
    }
  }

  /** Whether a read would return it: the checks are those of `#follow`. */
  #isNext({ position, epoch, timeBefore }: Commit): boolean {
    if (position !== this.#position || epoch !== this.#epoch || this.#bounds?.epoch !== epoch) return false
    return this.#time === undefined || timeBefore?.getTime() === this.#time
  }

  #deliverCommit({ position, events }: Commit): Promise<void> {
    const head = position + events.length
    if (this.#bounds) this.#options.onBounds({ ...this.#bounds, head, sharedThrough: head })
    return this.#deliver(events)
  }

  async #catchUp(): Promise<void> {
    let head: number
    do {
      const page = await this.#read()
      if (this.#problem !== undefined) this.#options.logger.info('the log can be read again')
      this.#problem = undefined
      head = page.head
      if (!(await this.#follow(page))) {
        head = Number.POSITIVE_INFINITY
        continue
      }
      if (page.events.length > 0 && page.events[0]?.position === this.#position + 1) await this.#deliver(page.events)
      else if (this.#position < head)
        throw new Error(`position ${this.#position + 1} is not in the log, although its head is ${head}`)
    } while (this.#position < head && !this.#stopping.signal.aborted)
  }

  /** A page of the present epoch. A log that was restored, or whose server was restarted, gets one first. */
  async #read(): Promise<Page> {
    const page = await this.#readPage()
    if (page.isCurrent) return page
    await this.#options.log.renewEpoch()
    const renewed = await this.#readPage()
    if (renewed.isCurrent) return renewed
    throw new Error('Postgres was restarted or replaced during the read')
  }

  async #readPage(): Promise<Page> {
    this.#readingSince = performance.now()
    try {
      const { log } = this.#options
      return await log.read({ after: this.#position, epoch: this.#epoch, limit: PAGE, isUrgent: true })
    } finally {
      this.#readingSince = undefined
    }
  }

  /** Moves to where the page begins, in its epoch. @returns whether it could; otherwise the log is to be read again */
  async #follow(page: Page): Promise<boolean> {
    const { gap, epoch, sharedThrough } = page
    if (this.#isReplaced(page)) {
      await this.#options.log.discardEpoch(epoch)
      return false
    }
    if (gap?.reason !== 'unknown' && epoch !== this.#epoch) this.#renew(epoch, sharedThrough ?? this.#position)
    if (gap?.reason === 'lost') {
      // Before the wait: until the bounds have the new epoch, streams that resume are refused.
      this.#options.onBounds(page)
      await this.#pass(gap)
      return false
    }
    if (gap) await this.#skip(gap.to, gap.reason, epoch)
    this.#options.onBounds(page)
    this.#bounds = page
    this.#lastRead = performance.now()
    return true
  }

  /**
   * Rows come in the transaction that moves the head, so what is missing does not come later. A partition that is detached
   * for a moment does: so it is waited for a little, once.
   */
  async #pass({ to }: Gap): Promise<void> {
    if (this.#hole === this.#position) return this.#skip(to, 'lost', this.#epoch)
    this.#hole = this.#position
    await sleep(this.#options.holePatience ?? HOLE_PATIENCE, this.#stopping.signal)
  }

  /** The log is another one, and its epoch does not say so: it ends before the position, or has another event there. */
  #isReplaced({ gap, epoch, timeAtCursor }: Page): boolean {
    if (gap?.reason === 'unknown') return epoch === this.#epoch
    const time = timeAtCursor?.getTime()
    // Without a time on both sides that could be read, nothing is known.
    return isTime(time) && isTime(this.#time) && time !== this.#time
  }

  #renew(epoch: string, shared: number): void {
    this.#options.logger.info(
      { epoch, before: this.#epoch },
      'the log has another epoch, and continues where it was read',
    )
    this.#options.renew(epoch, shared)
    this.#epoch = epoch
  }

  async #deliver(events: readonly LoggedEvent[]): Promise<void> {
    await this.#options.deliver(events)
    this.#position += events.length
    this.#time = events.at(-1)?.time.getTime()
  }

  async #skip(head: number, reason: Gap['reason'], epoch: string): Promise<void> {
    // What is lost was logged by those who found it.
    if (reason !== 'lost') {
      this.#options.logger.warn(
        { from: this.#position, to: head, reason },
        'the log does not continue where it was read; clients receive a gap',
      )
    }
    await this.#options.skip(head, reason, epoch)
    this.#position = head
    this.#epoch = epoch
    this.#time = undefined
  }

  #onError(error: unknown): void {
    const problem = messageOf(error instanceof AppError ? (error.cause ?? error) : error)
    if (this.#problem === undefined) this.#options.logger.error({ problem }, 'the log can not be read')
    this.#problem = problem
  }
}

const isTime = (time: number | undefined): time is number => time !== undefined && !Number.isNaN(time)
