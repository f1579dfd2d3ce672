import type { Database } from '../platform/pool.ts'
import type { Gap } from '../protocol/control-events.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { type Bounds, gapAfter, selectBounds } from './bounds.ts'
import { emptyHead } from './empty-head.ts'
import { findHole, type Hole } from './holes.ts'
import { matching, scanLimit } from './matching.ts'

/** What part of the log to read. */
export interface ReadOptions {
  /** Cursor: events after this position. */
  after: number
  /** Epoch of that cursor. Defaults to `null`, the present one. */
  epoch?: string | null
  /** Last position to look at. Defaults to the head. */
  through?: number
  /** Most events. */
  limit: number
  /** Bytes of data after which the page ends; the first event always fits. Defaults to 4 MiB. */
  maxBytes?: number
  /** For the feed, on which all streams wait. */
  isUrgent?: boolean
  /** Only channels within these patterns. Defaults to all. */
  patterns?: readonly string[]
  /** Aborts when the reader has left: the query is cancelled. */
  signal?: AbortSignal | undefined
}

/** One page of the log and its bounds, as of one moment. */
export interface Page extends Bounds {
  events: LoggedEvent[]
  /** Up to here everything was looked at: the position of the cursor for the next page. */
  cursor: number
  /** When the event at the cursor that was given entered the log; `null` when it is not there. */
  timeAtCursor: Date | null
  /**
   * What the reader can not be given. With `purged`, events follow; with `lost` and `unknown` the page has none, and the next
   * one begins behind the gap. A page ends before a hole that comes later.
   */
  gap?: Gap | undefined
}

const PAGE_BYTES = 4 * 2 ** 20

interface Scan extends Bounds {
  /** Positions after this one, through that one, were looked at. */
  start: number
  through: number
  /** ISO 8601. */
  timeAtCursor: string | null
}

interface Row extends LoggedEvent {
  /** In the first row only. */
  scan: Scan | null
  /** Events that the limit allowed, before they were cut by size. */
  candidates: number
}

/**
 * Reads one page.
 *
 * @param onHole called when the page comes across a hole
 */
export async function readPage(database: Database, options: ReadOptions, onHole: (hole: Hole) => void): Promise<Page> {
  const rows = await queryPage(database, options)
  const { page, start } = toPage(rows, options)
  // Without a filter, the events themselves are the count.
  if (page.gap?.reason === 'unknown' || page.events.length === page.cursor - start) return page
  const hole = await findHole(database, { after: start, through: page.cursor }, 'first', options.signal)
  if (!hole) return page
  onHole(hole)
  return beforeHole(page, options.after, start, hole)
}

/** One statement, so that the bounds and the events are of one moment. It looks at sizes before it touches data. */
const queryPage = (
  database: Database,
  { after, epoch = null, through, limit, maxBytes = PAGE_BYTES, patterns, signal }: ReadOptions,
): Promise<readonly Row[]> =>
  database.query(
    (sql) => sql<Row[]>`
      with bounds as materialized (
        select b.*, (select time from sse.log where position = ${after}) as "timeAtCursor"
        from (${selectBounds(sql, epoch)}) b
      ), range as materialized (
        select *, case when ${after}::bigint > coalesce("sharedThrough", -1) then head
                       else greatest(${after}::bigint, oldest - 1) end as start
        from bounds
      ), scan as materialized (
        select *, least(${through ?? null}::bigint, head, start + ${scanLimit(patterns)}) as through from range
      )
      select case row_number() over (order by event.position) when 1 then to_json(scan) end as scan,
             event.position, event.channel, event.type, event.data::text as data, event.time, event.origin,
             event.candidates
      from scan left join lateral (
        select * from (
          select *, sum(bytes) over (order by position) as total, count(*) over () as candidates
          from (
            select * from sse.log l
            where l.position > scan.start and l.position <= scan.through ${matching(sql, patterns)}
            order by l.position limit ${limit}
          ) candidate
        ) measured
        where total - bytes < ${maxBytes}
      ) event on true
      order by event.position`,
    signal,
  )

function toPage(rows: readonly Row[], { after, limit }: ReadOptions): { page: Page; start: number } {
  const scan = rows[0]?.scan
  if (!scan) throw emptyHead()
  const { start, through, timeAtCursor, ...bounds } = scan
  // An outer join: without an event there is one row.
  const events = rows.filter(({ position }) => position !== null)
  const candidates = rows[0]?.candidates ?? 0
  const isCut = events.length < candidates || candidates === limit
  const last = events.at(-1)?.position
  const page = {
    ...bounds,
    events,
    cursor: isCut && last !== undefined ? last : Math.max(start, through),
    timeAtCursor: timeAtCursor === null ? null : new Date(timeAtCursor),
    gap: gapAfter(after, bounds),
  }
  return { page, start }
}

/** The page up to a hole, or the hole alone where it comes first. */
function beforeHole(page: Page, after: number, start: number, hole: Hole): Page {
  if (hole.from <= start) return { ...page, events: [], cursor: hole.to, gap: gapAfter(after, { ...page, hole }) }
  return { ...page, events: page.events.filter(({ position }) => position <= hole.from), cursor: hole.from }
}
