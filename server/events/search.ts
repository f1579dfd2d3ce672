import type { Sql } from '../platform/database.ts'
import { databaseUnavailable, isUnreachable } from '../platform/database-errors.ts'
import type { Database } from '../platform/pool.ts'
import type { LoggedEvent } from './event.ts'
import { matching, scanLimit } from './matching.ts'

export interface SearchOptions {
  /** Events before this position. Defaults to all. */
  before: number | undefined
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
}

export interface Found {
  /** Newest first. */
  events: LoggedEvent[]
  /** Down to here everything was looked at: `before` of the next page. */
  cursor: number
  /** Whether there is something to look at before the cursor. */
  more: boolean
  oldest: number
  head: number
}

const PAGE_BYTES = 4 * 2 ** 20

/** Looks back through the log. */
export interface Search {
  /** @throws {AppError} `database.unavailable` */
  find(options: SearchOptions): Promise<Found>
}

export function createSearch(database: Database): Search {
  const bounds = async () => {
    const rows = await database.query(
      (sql) => sql<{ oldest: number; head: number }[]>`
        select position as head, coalesce((select min(position) from sse.log), position + 1) as oldest from sse.head`,
    )
    return rows[0] as { oldest: number; head: number }
  }
  /** The first position at or after a time. Times grow with positions, so it is found by halving. */
  const positionAt = async (time: Date, { oldest, head }: { oldest: number; head: number }) => {
    let low = oldest
    let high = head + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const rows = await database.query(
        (sql) => sql<{ time: Date }[]>`select time from sse.log where position >= ${middle} order by position limit 1`,
      )
      if (rows[0] && rows[0].time < time) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    async find({ before, limit, patterns, types, since, until }) {
      try {
        const { oldest, head } = await bounds()
        const end = until ? await positionAt(until, { oldest, head }) : head + 1
        const first = since ? await positionAt(since, { oldest, head }) : oldest
        const start = Math.min(before ?? end, end)
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
        )
        // Cut by number or by size: the next page begins at the last of this one.
        const isWhole = rows.length < limit && (await isLast(database, rows, floor, patterns, types))
        const cursor = isWhole ? floor : (rows.at(-1)?.position ?? floor)
        return { events: [...rows], cursor, more: cursor > first, oldest, head }
      } catch (error) {
        throw isUnreachable(error) ? databaseUnavailable(error) : error
      }
    },
  }
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
): Promise<boolean> {
  const last = rows.at(-1)
  if (!last) return true
  const found = await database.query(
    (sql) => sql`
      select 1 from sse.log l
      where l.position < ${last.position} and l.position >= ${floor} ${matching(sql, patterns)} ${ofTypes(sql, types)}
      limit 1`,
  )
  return found.length === 0
}
