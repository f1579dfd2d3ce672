import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { holdLock } from '../testing/held-lock.ts'
import { createLogger } from './logger.ts'
import { createPools } from './pools.ts'

const logger = createLogger({ logLevel: 'silent', logFormat: 'json' })

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const sessions = async (state: string) =>
  Number(
    (
      await database.sql`
        select count(*)::int as count from pg_stat_activity
        where application_name = 'sse-update' and datname = current_database() and (${state} = '' or wait_event_type = ${state})`
    )[0]?.count,
  )

test('each kind of work has connections of its own, DATABASE_POOL altogether; the application has the rest', async () => {
  const { end, ...pools } = createPools(database.url, { databasePool: 15, queryTimeoutMs: 60_000 }, logger)
  const held = await holdLock(database.sql, 'select pg_advisory_xact_lock(1)')
  const queries = Object.entries(pools).map(async ([name, pool]) => {
    const waiting = Array.from({ length: 20 }, () =>
      pool.query((sql) => sql<{ pid: number }[]>`select pg_backend_pid() as pid, pg_advisory_xact_lock_shared(1)`),
    )
    const rows = await Promise.all(waiting)
    return [name, new Set(rows.map(([row]) => row?.pid)).size] as const
  })
  while ((await sessions('Lock')) < 15);
  await held.release()
  expect(Object.fromEntries(await Promise.all(queries))).toEqual({ events: 4, readers: 2, domain: 6, tasks: 3 })
  await end()
  while ((await sessions('')) > 0);
})
