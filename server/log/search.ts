import type { Sql } from '../platform/database.ts'
import { databaseUnavailable, isUnreachable } from '../platform/database-errors.ts'
import type { Database } from '../platform/pool.ts'
import type { Gap } from '../protocol/control-events.ts'
import type { LogCursor } from '../protocol/cursor.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { type Bounds, selectBounds } from './bounds.ts'
import { emptyHead } from './empty-head.ts'
import { findHole, type Hole } from './holes.ts'
import { matching, scanLimit } from './matching.ts'

/** Which part of the log to read backward. */
export interface SearchOptions {
  /** Events before the position of this cursor. Defaults to all. */
  before: LogCursor | undefined
  /** Most events. */
  limit: number
  /** Only channels within these patterns. Defaults to all. */
  patterns: readonly string[] | undefined
  /** Only these types. Defaults to all. */
  types: readonly string[] | undefined
  /** Only events that entered the log at or after this. */
  since: Date | undefined
  /** Only events that entered the log before this. */
  until: Date | undefined
  /** Aborts when the reader has left: the query is cancelled. */
  signal?: AbortSignal
}

/** A page that was read backward, and the bounds of the log. */
export interface Found extends Bounds {
  /** Newest first. */
  events: LoggedEvent[]
  /** Down to this position everything was read: `before` of the next page. */
  cursor: number
  /** Whether there is more to read before the cursor. */
  more: boolean
  /**
   * `lost`: the events right before the position that was given are missing; the page has no events, and `cursor` is behind
   * them. A page ends at a hole that comes later, so that the next one begins with it. `unknown`: the cursor is not of this
   * log; the page begins at the newest event.
   */
  gap?: Gap | undefined
}

const PAGE_BYTES = 4 * 2 ** 20

/** Reads the log backward. */
export interface Search {
  /** @throws {AppError} `database.unavailable` */
  find(options: SearchOptions): Promise<Found>
}

/** @param onHole called when a page comes across a hole */
export function createSearch(database: Database, onHole: (hole: Hole) => void = () => {}): Search {
  return {
    async find({ before, limit, patterns, types, since, until, signal }) {
      try {
        const [bounds] = await database.query(
          (sql) => sql<(Bounds & { end: number; first: number })[]>`
            select b.*, coalesce(sse.position_at(${until ?? null}::timestamptz), b.head + 1) as end,
                   coalesce(sse.position_at(${since ?? null}::timestamptz), b.oldest) as first
            from (${selectBounds(sql, before?.epoch ?? null)}) b`,
          signal,
        )
        if (!bounds) throw emptyHead()
        const { end, first } = bounds
        const gap = unknownGap(before, bounds)
        const start = gap ? end : Math.min(before?.position ?? end, end)
        const floor = Math.max(first, start - scanLimit(patterns))
        const rows = await database.query(
          (sql) => sql<LoggedEvent[]>`
            select position, channel, type, data::text as data, time, origin from (
              select *, sum(bytes) over (order by position desc) - bytes as above from (
                select * from sse.log l
                where l.position < ${start} and l.position >= ${floor} ${matching(sql, patterns)} ${ofTypes(sql, types)}
                order by l.position desc limit ${limit}
              ) candidate
            ) measured
            where above < ${PAGE_BYTES}
            order by position desc`,
          signal,
        )
        // Cut by number or by size: the next page begins at the last of this one.
        const isWhole = rows.length < limit && (await isLast(database, rows, floor, patterns, types, signal))
        const cursor = isWhole ? floor : (rows.at(-1)?.position ?? floor)
        const page = { ...bounds, events: [...rows], cursor, more: cursor > first, gap }
        if (rows.length === start - cursor) return page
        const hole = await findHole(database, { after: cursor - 1, through: start - 1 }, 'last', signal)
        if (!hole) return page
        onHole(hole)
        return downToHole(page, start, hole, first)
      } catch (error) {
        throw isUnreachable(error) ? databaseUnavailable(error) : error
      }
    },
  }
}

/** A position without an epoch is one of the present log, and looks back from the newest event where it is beyond it. */
function unknownGap(before: LogCursor | undefined, { head, sharedThrough }: Bounds): Gap | undefined {
  if (!before?.epoch || before.position - 1 <= (sharedThrough ?? -1)) return undefined
  return { from: before.position, to: head, reason: 'unknown' }
}

const ofTypes = (sql: Sql, types: readonly string[] | undefined) =>
  types === undefined ? sql`` : sql`and l.type = any (${types as string[]}::text[])`

/** Whether nothing between the floor and the last event found was left out for its size. */
async function isLast(
  database: Database,
  rows: readonly LoggedEvent[],
  floor: number,
  patterns: readonly string[] | undefined,
  types: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const last = rows.at(-1)
  if (!last) return true
  const found = await database.query(
    (sql) => sql`
      select 1 from sse.log l
      where l.position < ${last.position} and l.position >= ${floor} ${matching(sql, patterns)} ${ofTypes(sql, types)}
      limit 1`,
    signal,
  )
  return found.length === 0
}

/** The page down to a hole, or the hole alone where it comes first. */
function downToHole(page: Found, start: number, hole: Hole, first: number): Found {
  if (hole.to < start - 1) {
    return {
      ...page,
      events: page.events.filter(({ position }) => position > hole.to),
      cursor: hole.to + 1,
      more: true,
    }
  }
  const cursor = Math.max(first, hole.from + 1)
  return { ...page, events: [], cursor, more: cursor > first, gap: { from: cursor - 1, to: start - 1, reason: 'lost' } }
}
