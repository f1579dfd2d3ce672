import { databaseUnavailable, isUnreachable } from '../platform/database-errors.ts'
import type { Database } from '../platform/pool.ts'
import { SECOND } from '../platform/time.ts'
import type { LoggedEvent, NewEvent } from '../protocol/event.ts'
import { findHole, type Hole } from './holes.ts'
import { matching, scanLimit } from './matching.ts'

/** What part of the log to read. */
export interface ReadOptions {
  /** Cursor: events after this position. */
  after: number
  /** Last position to look at. Defaults to the head. */
  through?: number
  /** Most events. */
  limit: number
  /** Bytes of data after which the page ends; the first event always fits. Defaults to 4 MiB. */
  maxBytes?: number
  /** For the feed, on which everybody waits. */
  isUrgent?: boolean
  /** Only channels within these patterns. Defaults to all. */
  patterns?: readonly string[]
  /** Aborts when the reader has left: the query is cancelled. */
  signal?: AbortSignal | undefined
}

/** One page of the log, as of one moment. */
export interface Page {
  events: LoggedEvent[]
  /** Up to here everything was looked at: the cursor for the next page. */
  cursor: number
  /** Position of the oldest event that is kept; head + 1 while none is. */
  oldest: number
  /** Position of the newest event. */
  head: number
  /** When the event at the cursor that was asked for entered the log; `null` when it is not there. */
  timeAtCursor: Date | null
  /**
   * The events after the cursor that was asked for are missing, and `cursor` lies behind them; the page has no events. A
   * page ends before a hole that comes later, so that the next one begins with it.
   */
  hole?: Hole
}

const PAGE_BYTES = 4 * 2 ** 20

/** The ordered log in Postgres: all SQL that touches it. */
export interface EventLog {
  /**
   * Appends all or none, and answers their positions, in order. Of an event whose key is in the log already, that is the
   * position of the first.
   *
   * @throws PostgresError SE001 when a key was used for an event of another type or other data, see `keyConflictsOf`
   */
  append(events: readonly NewEvent[]): Promise<number[]>
  /** @throws {AppError} `database.unavailable` */
  read(options: ReadOptions): Promise<Page>
  /** @throws {AppError} `database.unavailable` */
  bounds(): Promise<Pick<Page, 'oldest' | 'head'>>
  /** Moves committed events from the outbox into the log; answers how many, `null` while another instance does so. */
  relay(limit: number): Promise<number | null>
  /** Makes room ahead of the head, so that no publisher has to. */
  preparePartitions(): Promise<void>
  /** Drops some of what has expired; answers how many positions went, `null` while another instance does so. */
  purge(limits: PurgeLimits): Promise<number | null>
}

/** What is kept; `null` is no limit. */
export interface PurgeLimits {
  /** Milliseconds. */
  maxAge: number | null
  maxEvents: number | null
}

interface Row extends LoggedEvent {
  /** Events that the limit allowed, before they were cut by size. */
  candidates: number
}

/**
 * @param readers for pages of the log; what orders it does not wait for them. Defaults to `database`
 * @param onHole called when a page comes across a hole
 */
export function createLog(database: Database, readers = database, onHole: (hole: Hole) => void = () => {}): EventLog {
  return {
    async append(events) {
      const keys = events.some(({ key }) => key !== null) ? events.map(({ key }) => key) : null
      const [row] = await database.query(
        (sql) => sql<{ positions: number[] }[]>`
        select sse.append_events(
          ${events.map(({ channel }) => channel)}::text[],
          ${events.map(({ type }) => type)}::text[],
          ${events.map(({ data }) => data)}::text[]::json[],
          ${events.map(({ origin }) => origin)}::text[],
          ${keys}::text[],
          strict => true
        ) as positions`,
      )
      if (row?.positions.length === events.length) return row.positions
      throw new Error(
        `sse.append_events answered ${row?.positions.length ?? 'no'} positions for ${events.length} events`,
      )
    },

    async read({ after, through, limit, maxBytes = PAGE_BYTES, patterns, isUrgent = false, signal }) {
      try {
        // One statement, so that the bounds and the events are of one moment. It looks at sizes before it touches data.
        const pool = isUrgent ? database : readers
        const rows = await pool.query(
          (sql) => sql<(Row | Bounds)[]>`
            with bounds as materialized (
              select head.position as head, coalesce((select min(position) from sse.log), head.position + 1) as oldest,
                     (select time from sse.log where position = ${after}) as "timeAtCursor"
              from sse.head
            ), scan as materialized (
              select *, greatest(${after}::bigint, oldest - 1) as after,
                     least(${through ?? null}::bigint, head, greatest(${after}::bigint, oldest - 1) + ${scanLimit(patterns)}) as through
              from bounds
            )
            select scan.oldest, scan.head, scan.through, scan."timeAtCursor",
                   event.position, event.channel, event.type, event.data::text as data, event.time, event.origin,
                   event.candidates
            from scan left join lateral (
              select * from (
                select *, sum(bytes) over (order by position) as total, count(*) over () as candidates
                from (
                  select * from sse.log l
                  where l.position > scan.after and l.position <= scan.through ${matching(sql, patterns)}
                  order by l.position limit ${limit}
                ) candidate
              ) measured
              where total - bytes < ${maxBytes}
            ) event on true
            order by event.position`,
          signal,
        )
        const page = toPage(rows, after, limit)
        const range = { after: Math.max(after, page.oldest - 1), through: page.cursor }
        // Without a filter, the events themselves are the count.
        if (page.events.length === range.through - range.after) return page
        const hole = await findHole(pool, range, 'first', signal)
        if (!hole) return page
        onHole(hole)
        return beforeHole(page, range.after, hole)
      } catch (error) {
        throw isUnreachable(error) ? databaseUnavailable(error) : error
      }
    },

    async bounds() {
      try {
        const [row] = await database.query(
          (sql) => sql<{ oldest: number; head: number }[]>`
          select position as head, coalesce((select min(position) from sse.log), position + 1) as oldest from sse.head`,
        )
        if (!row) throw new Error('sse.head is empty')
        return row
      } catch (error) {
        throw isUnreachable(error) ? databaseUnavailable(error) : error
      }
    },

    async relay(limit) {
      const [row] = await database.query((sql) => sql<{ moved: number | null }[]>`select sse.relay(${limit}) as moved`)
      return row?.moved ?? null
    },

    async preparePartitions() {
      await database.query((sql) => sql`select sse.prepare_partitions()`)
    },

    async purge({ maxAge, maxEvents }) {
      const [row] = await database.query(
        (sql) => sql<{ purged: number | null }[]>`
          select sse.purge(make_interval(secs => ${maxAge === null ? null : maxAge / SECOND}), ${maxEvents}) as purged`,
      )
      return row?.purged ?? null
    },
  }
}

interface Bounds {
  oldest: number
  head: number
  through: number
  timeAtCursor: Date | null
  position: number | null
}

function toPage(rows: readonly (Row | Bounds)[], after: number, limit: number): Page {
  const { oldest, head, through, timeAtCursor } = rows[0] as Bounds
  const events = rows.filter((row) => row.position !== null) as Row[]
  const candidates = events[0]?.candidates ?? 0
  const isCut = events.length < candidates || candidates === limit
  const last = events.at(-1)?.position
  return { events, oldest, head, timeAtCursor, cursor: isCut && last !== undefined ? last : Math.max(after, through) }
}

/** The page up to a hole, or the hole alone where it comes first. */
function beforeHole(page: Page, after: number, hole: Hole): Page {
  if (hole.from <= after) return { ...page, events: [], cursor: hole.to, hole }
  return { ...page, events: page.events.filter(({ position }) => position <= hole.from), cursor: hole.from }
}
