import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { connectDatabase, describeAddress, serverOf } from './database.ts'
import { outcomeOf } from './database-errors.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

test('positions are read as numbers, and lists are written and read back unchanged', async () => {
  const texts = ['plain', 'a "quoted" \\ one', '{,}', '', 'NULL', '🦊\n']
  const [row] = await database.sql`
    select 5::bigint as one, array[1, 2]::bigint[] as some, '{}'::bigint[] as none,
           (select jsonb_agg(t) from unnest(${texts}::text[]) t) as texts, ${[null]}::text[] is not distinct from array[null] as nulls`
  expect(row).toEqual({ one: 5, some: [1, 2], none: [], texts, nulls: true })
})

test.each(['SQL, DMY', 'German', 'Postgres, DMY'])(
  'times are read where the DateStyle of the database is %p',
  async (style) => {
    const own = await createDatabase()
    const name = new URL(own.url).pathname.slice(1)
    await database.sql.unsafe(`alter database ${name} set datestyle = '${style}'`)
    await database.sql.unsafe(`alter database ${name} set timezone = 'Asia/Kathmandu'`)
    const sql = connectDatabase(own.url, { max: 1 })
    const [row] = await sql`select timestamptz '2026-11-05 10:00:00.123Z' as time`
    await sql.end()
    await own[Symbol.asyncDispose]()
    expect(row?.time).toEqual(new Date('2026-11-05T10:00:00.123Z'))
  },
)

// What the patch in patches/ fixes.
test('a connection that died under a query gives the next query its own rows', async () => {
  const sql = connectDatabase(database.url, { max: 1 })
  for (let times = 0; times < 30; times++) {
    // It dies after its first rows were sent: the server writes them out when they fill a buffer.
    const dying = await sql`
      select repeat('x', 10000), case when n = 50 then pg_terminate_backend(pg_backend_pid()) end from generate_series(1, 100) n
    `.catch((error) => error)
    expect(outcomeOf(dying)).toBe('unknown')
    // The first query after it may fail with the loss; none may get rows that are not its own.
    const rows = await sql`select ${times}::int as n`.catch(() => sql`select ${times}::int as n`)
    expect([...rows]).toEqual([{ n: times }])
  }
  await sql.end()
})

test('a transaction whose connection died fails with an unknown outcome, and affects no other query', async () => {
  const sql = connectDatabase(database.url, { max: 1 })
  const error = await sql
    .begin(async (transaction) => {
      await transaction`select pg_terminate_backend(pg_backend_pid())`
    })
    .catch((caught) => caught)
  expect(outcomeOf(error)).toBe('unknown')
  expect([...(await sql`select 1 as n`)]).toEqual([{ n: 1 }])
  await sql.end()
})

test.each([
  ['postgres://user:secret@host:5432/db', 'host:5432/db'],
  [{ socketDirectory: '/run/postgres', port: 5432 }, 'unix socket in /run/postgres'],
])('the address %j is shown without its password, as %s', (address, shown) => {
  expect(describeAddress(address)).toBe(shown)
})

test.each([
  ['postgres://user:secret@host/db', 'host:5432'],
  ['postgres://user:secret@[::1]:6000/db', '[::1]:6000'],
  ['postgres://user@localhost/db?host=/run/postgres', '/run/postgres'],
  [{ socketDirectory: '/run/postgres', port: 5432 }, '/run/postgres'],
])('the server of the address %j is shown as %s', (address, shown) => {
  expect(serverOf(address)).toBe(shown)
})
