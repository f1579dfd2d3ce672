import type { Sql } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Gap } from '../protocol/control-events.ts'
import type { LogCursor } from '../protocol/cursor.ts'

/** The bounds of the log at one moment, and how far the cursors of one epoch are valid in it. */
export interface Bounds {
  /** Position of the oldest event that is kept; head + 1 while none is. */
  oldest: number
  /** Position of the newest event. */
  head: number
  /** The present epoch. */
  epoch: string
  /**
   * Whether the log still runs where its epoch started. `false` after a restart or a restore, until an append or
   * `EventLog.renewEpoch` starts another epoch.
   */
  isCurrent: boolean
  /**
   * Up to here, cursors of the epoch that was asked for are valid: the head for the present epoch, and for an earlier one the
   * last position that it shares with the present log. `null` when the epoch is not known.
   */
  sharedThrough: number | null
}

/**
 * The query for `Bounds`, as a fragment: every statement that needs them takes them from here.
 *
 * @param epoch the epoch of the reader's cursor; `null` for the present one
 */
export const selectBounds = (sql: Sql, epoch: string | null) => sql`
  select h.position as head, coalesce((select min(l.position) from sse.log l), h.position + 1) as oldest, h.epoch,
         sse.is_current(h.incarnation) as "isCurrent",
         case when coalesce(${epoch}::text, h.epoch) = h.epoch then h.position
              else (select e.shared_through from sse.epochs e where e.epoch = ${epoch}) end as "sharedThrough"
  from sse.head h`

/**
 * The events that a reader at a position can not be given, if there are any.
 *
 * @param position of a cursor of the epoch for which the bounds were read
 * @param bounds with the hole that follows the position, if there is one
 */
export function gapAfter(
  position: number,
  { oldest, head, sharedThrough, hole }: Omit<Bounds, 'epoch' | 'isCurrent'> & { hole?: { to: number } | undefined },
): Gap | undefined {
  if (position > (sharedThrough ?? -1)) return { from: position, to: head, reason: 'unknown' }
  if (position < oldest - 1) return { from: position, to: oldest - 1, reason: 'purged' }
  if (hole) return { from: position, to: hole.to, reason: 'lost' }
  return undefined
}

/** The bounds that a query returns for a cursor of an epoch. @throws {AppError} `database.unavailable` */
export type ReadBounds = (epoch?: string | null) => Promise<Bounds>

/**
 * The bounds of the log as the feed last saw them: one object for each instance, which decides whether a cursor is valid. It
 * queries the database for cursors that the feed's last read does not decide.
 */
export class LogBounds {
  readonly #read: ReadBounds
  readonly #onUnseen: () => void
  #seen: Bounds
  /** `sharedThrough` of earlier epochs, as far as clients brought one. It changes only with the present epoch. */
  readonly #shared = new Map<string, number>()

  /**
   * @param seen current bounds
   * @param onUnseen called when the log has an epoch that the feed has not seen yet, or is about to get one. Defaults to nothing
   */
  constructor(read: ReadBounds, seen: Bounds, onUnseen: () => void = () => {}) {
    this.#read = read
    this.#onUnseen = onUnseen
    this.#seen = seen
  }

  /** As of the last read of the feed. */
  get current(): Bounds {
    return this.#seen
  }

  /** Takes the bounds of a page that the feed has read and accepted. */
  observe(bounds: Bounds): void {
    if (bounds.epoch !== this.#seen.epoch) this.#shared.clear()
    this.#seen = bounds
  }

  /**
   * Position of the oldest event that is kept, from the database.
   *
   * @throws {AppError} `database.unavailable` also while the feed has not seen the log's epoch yet
   */
  async refreshOldest(): Promise<number> {
    return (await this.#readSame(null)).oldest
  }

  /**
   * The gap of a cursor that is not of this log. It does not look for purged events: the reader of the events finds those.
   *
   * @throws {AppError} `database.unavailable` also while the feed has not seen the log's epoch yet
   */
  async gapFor({ position, epoch }: LogCursor): Promise<Gap | undefined> {
    if (position <= this.#sharedWith(epoch)) return undefined
    const bounds = await this.#readSame(epoch)
    if (epoch !== null && epoch !== bounds.epoch && bounds.sharedThrough !== null) {
      this.#shared.set(epoch, bounds.sharedThrough)
    }
    const gap = gapAfter(position, bounds)
    return gap?.reason === 'unknown' ? gap : undefined
  }

  #sharedWith(epoch: string | null): number {
    return epoch === null || epoch === this.#seen.epoch ? this.#seen.head : (this.#shared.get(epoch) ?? -1)
  }

  /** Bounds in the epoch that the feed follows: positions of two epochs can not be compared. */
  async #readSame(epoch: string | null): Promise<Bounds> {
    const bounds = await this.#read(epoch)
    if (bounds.epoch === this.#seen.epoch && bounds.isCurrent) return bounds
    this.#onUnseen()
    throw otherEpoch()
  }
}

/**
 * The bounds at the start of an instance. A log that was restored, or whose server was restarted, gets its epoch first, before
 * a client resumes.
 *
 * @param onUnseen as {@link LogBounds} takes it
 * @throws {AppError} `database.unavailable`
 */
export async function loadBounds(
  log: { bounds: ReadBounds; renewEpoch(): Promise<void> },
  onUnseen?: () => void,
): Promise<LogBounds> {
  const bounds = await log.bounds()
  if (!bounds.isCurrent) await log.renewEpoch()
  return new LogBounds(log.bounds, bounds.isCurrent ? bounds : await log.bounds(), onUnseen)
}

/** For a reader that comes before the feed has detected the log's epoch: it is served a moment later. */
const otherEpoch = () =>
  new AppError('database.unavailable', 'The feed has not detected the new epoch yet; retry.', {
    status: 503,
    retryAfter: 1,
  })
