import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { describeWithPgbouncer, startPgbouncer } from '../testing/pgbouncer.ts'
import { until } from '../testing/until.ts'
import { codeOf } from './errors.ts'
import { createLogger } from './logger.ts'
import { Pool } from './pool.ts'

const logger = createLogger({ logLevel: 'silent', logFormat: 'json' })

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function open(options: { url?: string; timeout: number; max?: number }) {
  const { url = database.url, timeout, max = 1 } = options
  const pool = new Pool({ address: url, max, timeout, logger })
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end({ timeout: 0 }) })
}

/** Statements that sleep just now, in any session. */
const sleeping = async () =>
  Number(
    (
      await database.sql`
        select count(*)::int as count from pg_stat_activity
        where query like '%pg_sleep%' and query not like '%pg_stat_activity%' and state = 'active'
          and datname = current_database()`
    )[0]?.count,
  )

const untilSleeping = (count: number) => until(`${count} statements sleep`, sleeping, (found) => found === count)

const sleep = (pool: Pool, signal?: AbortSignal) =>
  pool.query((sql) => sql`select pg_sleep(600)`, signal).catch((error) => error)

describe('a statement', () => {
  test('that takes too long is ended by Postgres before the pool gives up, and its connection is kept', async () => {
    await using pool = await open({ timeout: 1000 })
    const pid = () => pool.query((sql) => sql<{ pid: number }[]>`select pg_backend_pid() as pid`)
    const before = await pid()
    expect(codeOf(await sleep(pool))).toBe('57014')
    expect(await sleeping()).toBe(0)
    expect([...(await pid())]).toEqual([...before])
  })

  test('is cancelled in Postgres when its caller leaves', async () => {
    await using pool = await open({ timeout: 600_000 })
    const caller = new AbortController()
    const result = sleep(pool, caller.signal)
    await untilSleeping(1)
    caller.abort()
    expect(codeOf(await result)).toBe('57014')
    await untilSleeping(0)
    expect([...(await pool.query((sql) => sql`select 1 as n`))]).toEqual([{ n: 1 }])
  })

  test('whose caller leaves while it waits for a connection is never sent', async () => {
    await using pool = await open({ timeout: 600_000 })
    const [first, second] = [new AbortController(), new AbortController()]
    const results = [sleep(pool, first.signal), sleep(pool, second.signal)]
    await untilSleeping(1)
    second.abort()
    expect((await results[1]).name).toBe('AbortError')
    first.abort()
    await results[0]
    await untilSleeping(0)
    expect((await sleep(pool, second.signal)).name).toBe('AbortError')
  })
})

describeWithPgbouncer('behind a pooler that takes no statement_timeout', () => {
  test('statements run, and one that takes too long is cancelled', async () => {
    await using pgbouncer = await startPgbouncer(database.url)
    await using pool = await open({ url: pgbouncer.url, timeout: 1000, max: 2 })
    expect([...(await pool.query((sql) => sql`select 1 as n`))]).toEqual([{ n: 1 }])
    expect(codeOf(await sleep(pool))).toBe('QUERY_TIMEOUT')
    await untilSleeping(0)
  })
})
