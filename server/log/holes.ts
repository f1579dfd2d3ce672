import type { Database } from '../platform/pool.ts'
import { selectBounds } from './bounds.ts'

/** Positions that the log should have and does not: rows of sse.log that were deleted. */
export interface Hole {
  /** Position before the first that is missing. */
  from: number
  /** The last position that is missing. */
  to: number
}

/** Positions after `after`, through `through`; between the oldest event kept and the head. */
export interface Range {
  after: number
  through: number
}

/**
 * Looks for a hole within a range: positions are dense, so a row count detects holes, from the index alone. What is before
 * the oldest event is no hole: retention dropped it.
 *
 * @param which the hole nearest to the start (`first`) or the end (`last`) of the range; a hole that extends beyond it is returned whole
 */
export async function findHole(
  database: Database,
  { after, through }: Range,
  which: 'first' | 'last',
  signal?: AbortSignal,
): Promise<Hole | undefined> {
  if (through <= after) return undefined
  const [row] = await database.query(
    (sql) => sql<{ count: number }[]>`
      select count(*)::int as count from sse.log where position > ${after} and position <= ${through}`,
    signal,
  )
  if (row?.count === through - after) return undefined
  const [hole] = await database.query(
    (sql) => sql<Hole[]>`
      with bounds as materialized (
        select b.oldest, coalesce((select min(position) from sse.log where position > ${through}), b.head + 1) as following
        from (${selectBounds(sql, null)}) b
      ), present as (
        select ${after}::bigint as position
        union all select position from sse.log where position > ${after} and position <= ${through}
        union all select following from bounds
      ), neighbours as (
        select position, lead(position) over (order by position) as next from present
      )
      select n.position as from, n.next - 1 as to from neighbours n, bounds b
      where n.next > n.position + 1 and n.position < ${through} and n.next > b.oldest
      order by n.position * ${which === 'first' ? 1 : -1}::int limit 1`,
    signal,
  )
  return hole
}
