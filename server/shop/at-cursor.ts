import type { PendingQuery, Row } from 'postgres'
import { PAGE_BYTES, type Page, type PageRequest, toPage } from '../http/paging.ts'
import type { Sql } from '../platform/database.ts'
import type { Database } from '../platform/pool.ts'
import type { AtCursor } from '../protocol/schema.ts'

/** A part of a statement. */
type Fragment = PendingQuery<Row[]>
type Build = (sql: Sql) => Fragment

interface Reading {
  /** Selects the rows. */
  rows: Build
  /** The condition by which they are joined, and clauses that follow it. Defaults to all rows. */
  on?: Build
  /** A number that is read with them, whether there are rows or not. Defaults to 0. */
  total?: Build
}

/** Columns of every row. */
interface AtHead {
  cursor: string
  total: number
}

/**
 * Reads rows together with the cursor of the log, in one statement and therefore one snapshot: the events after the cursor
 * are all changes that the rows do not show yet. Some of them the rows may show already, while their events are in the outbox:
 * clients recognise these by the version. Without rows, the result is one row whose other columns are null.
 */
const readAtCursor = <R>(database: Database, { rows, on = (sql) => sql`true`, total = (sql) => sql`0` }: Reading) =>
  database.query(
    (sql) => sql<(R & AtHead)[]>`
      select (select sse.cursor()) as cursor, (${total(sql)})::int as total, found.*
      from sse.head left join lateral (${rows(sql)}) found on ${on(sql)}`,
  )

const cursorOf = (rows: readonly AtHead[]) => rows[0]?.cursor ?? '0'

/** What the pages of a list are read from. */
export interface ListQuery<R, T> {
  /** Selects the newest `limit` rows with an `id` below `before`, in any order. */
  newest: (sql: Sql, page: { before: number; limit: number }) => Fragment
  /** An expression for the bytes of a row. */
  bytes: Build
  /** Selects a number about the whole list. Defaults to 0. */
  total?: Build
  toItem: (row: R) => T
}

/** A page, and the `total` of its list. */
export type ListPage<T> = AtCursor<Page<T> & { total: number }>

/** Reads a page of a list, newest first. It ends early where its rows exceed {@link PAGE_BYTES}. */
export async function readPage<R extends { id: number }, T extends { id: number }>(
  database: Database,
  { before = Number.MAX_SAFE_INTEGER, limit }: PageRequest,
  { newest, bytes, total, toItem }: ListQuery<R, T>,
): Promise<ListPage<T>> {
  const rows = await readAtCursor<R & { matching: number }>(database, {
    rows: (sql) => sql`
      select *, (count(*) over ())::int as matching,
        sum(${bytes(sql)}) over (order by id desc rows between unbounded preceding and 1 preceding) as bytes_before
      from (${newest(sql, { before, limit: limit + 1 })}) newest`,
    on: (sql) => sql`coalesce(found.bytes_before, 0) < ${PAGE_BYTES} order by found.id desc`,
    ...(total && { total }),
  })
  const found = rows.filter(({ id }) => id !== null)
  const page = toPage(found, { limit, matching: rows[0]?.matching ?? 0 }, toItem)
  return { ...page, total: rows[0]?.total ?? 0, cursor: cursorOf(rows) }
}

/** Reads one row; `undefined` when there is none. */
export async function readOne<R extends { id: number }>(
  database: Database,
  rows: Build,
): Promise<AtCursor<R> | undefined> {
  const [row] = await readAtCursor<R>(database, { rows })
  return row && row.id !== null ? row : undefined
}

/** How many rows there are of each value of a column. */
export type Counts = AtCursor<{ counts: Record<string, number> }>

/** @param rows selects a row for each value, with the columns `value` and `count` */
export async function readCounts(database: Database, rows: Build): Promise<Counts> {
  const found = await readAtCursor<{ value: string | null; count: number }>(database, { rows })
  const counts = Object.fromEntries(found.flatMap(({ value, count }) => (value === null ? [] : [[value, count]])))
  return { counts, cursor: cursorOf(found) }
}
