import { databaseUnavailable, isUnreachable } from '../platform/database-errors.ts'
import type { Database } from '../platform/pool.ts'
import { SECOND } from '../platform/time.ts'
import type { NewEvent } from '../protocol/event.ts'
import { type Bounds, type ReadBounds, selectBounds } from './bounds.ts'
import { type AppendReport, type Commit, toCommit } from './commit.ts'
import { emptyHead } from './empty-head.ts'
import type { Hole } from './holes.ts'
import { type Page, type ReadOptions, readPage } from './read-page.ts'

/** The ordered log in Postgres: all SQL that touches it. */
export interface EventLog {
  /**
   * Appends all or none, and returns their positions, in order. Of an event whose key is in the log already, that is the
   * position of the first.
   *
   * @throws PostgresError SE001 when a key was used for an event of another type or other data, see `keyConflictsOf`; SE002 when `sse.head`
   * is empty
   */
  append(events: readonly NewEvent[]): Promise<number[]>
  /** @throws {AppError} `database.unavailable` */
  read(options: ReadOptions): Promise<Page>
  bounds: ReadBounds
  /** Starts an epoch if the log was restored or its server restarted since the present one. @throws {AppError} `database.unavailable` */
  renewEpoch(): Promise<void>
  /**
   * Starts an epoch in which no earlier cursor is valid, if the present one is still this: the log is another one.
   *
   * @throws {AppError} `database.unavailable`
   */
  discardEpoch(epoch: string): Promise<void>
  /** Moves committed events from the outbox into the log; returns how many, `null` while another instance does so. */
  relay(limit: number): Promise<number | null>
  /** Makes room ahead of the head, so that no publisher has to. */
  preparePartitions(): Promise<void>
  /** Drops some of what has expired; returns how many positions went, `null` while another instance does so. */
  purge(limits: PurgeLimits): Promise<number | null>
}

/** What is kept; `null` is no limit. */
export interface PurgeLimits {
  /** Milliseconds. */
  maxAge: number | null
  maxEvents: number | null
}

/**
 * @param readers for pages of the log; urgent reads use `database`. Defaults to `database`
 * @param onHole called when a page comes across a hole
 * @param onAppend called with each append that begins: what it commits, or `undefined` when that must be read
 */
export function createLog(
  database: Database,
  readers = database,
  onHole: (hole: Hole) => void = () => {},
  onAppend?: (append: Promise<Commit | undefined>) => void,
): EventLog {
  return {
    async append(events) {
      const append = appendLogged(database, events)
      onAppend?.(append.then((report) => toCommit(events, report)))
      return (await append).positions
    },

    read(options) {
      // What orders the streams does not wait for those who read pages.
      return orUnavailable(readPage(options.isUrgent ? database : readers, options, onHole))
    },

    async bounds(epoch = null) {
      const rows = await orUnavailable(database.query((sql) => sql<Bounds[]>`${selectBounds(sql, epoch)}`))
      if (!rows[0]) throw emptyHead()
      return rows[0]
    },

    async renewEpoch() {
      await orUnavailable(database.query((sql) => sql`select sse.renew_epoch()`))
    },

    async discardEpoch(epoch) {
      await orUnavailable(database.query((sql) => sql`select sse.discard_epoch(${epoch})`))
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

/** Keys are looked up only where there are some. */
async function appendLogged(database: Database, events: readonly NewEvent[]): Promise<AppendReport> {
  const keys = events.some(({ key }) => key !== null) ? events.map(({ key }) => key) : null
  const [row] = await database.query(
    (sql) => sql<AppendReport[]>`
      select positions, epoch, appended_at as time, position_before as "positionBefore", time_before as "timeBefore"
      from sse.append_logged(
        ${events.map(({ channel }) => channel)}::text[],
        ${events.map(({ type }) => type)}::text[],
        ${events.map(({ data }) => data)}::text[]::json[],
        ${events.map(({ origin }) => origin)}::text[],
        ${keys}::text[],
        strict => true
      )`,
  )
  if (row?.positions.length === events.length) return row
  throw new Error(`sse.append_logged returned ${row?.positions.length ?? 'no'} positions for ${events.length} events`)
}

/** @throws {AppError} `database.unavailable` */
async function orUnavailable<T>(query: Promise<T>): Promise<T> {
  try {
    return await query
  } catch (error) {
    throw isUnreachable(error) ? databaseUnavailable(error) : error
  }
}
