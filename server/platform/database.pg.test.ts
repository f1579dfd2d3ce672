import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { connectDatabase, describeAddress } from './database.ts'
import { outcomeOf } from './database-errors.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

test('positions are numbers, and lists go there and back', async () => {
  const texts = ['plain', 'a "quoted" \\ one', '{,}', '', 'NULL', '🦊\n']
  const [row] = await database.sql`
    select 5::bigint as one, array[1, 2]::bigint[] as some, '{}'::bigint[] as none,
           (select jsonb_agg(t) from unnest(${texts}::text[]) t) as texts, ${[null]}::text[] is not distinct from array[null] as nulls`
  expect(row).toEqual({ one: 5, some: [1, 2], none: [], texts, nulls: true })
})

// What the patch in patches/ mends.
test('a connection that died under a query answers the next one rightly', async () => {
  const sql = connectDatabase(database.url, { max: 1 })
  for (let times = 0; times < 30; times++) {
    // It dies after its first rows were sent: the server writes them out when they fill a buffer.
    const dying = await sql`
      select repeat('x', 10000), case when n = 50 then pg_terminate_backend(pg_backend_pid()) end from generate_series(1, 100) n
    `.catch((error) => error)
    expect(outcomeOf(dying)).toBe('unknown')
    // The first after it may be told of the loss; none may get rows that are not its own.
    const rows = await sql`select ${times}::int as n`.catch(() => sql`select ${times}::int as n`)
    expect([...rows]).toEqual([{ n: times }])
  }
  await sql.end()
})

test('a transaction whose connection died is told so, and harms nothing else', async () => {
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
  ['ECONNREFUSED', 'unsent'],
  ['57P03', 'unsent'],
  ['25006', 'unsent'],
  ['53100', 'unsent'],
  ['55P03', 'unsent'],
  ['CONNECTION_CLOSED', 'unknown'],
  ['57P01', 'unknown'],
  ['XX000', 'unknown'],
  ['22P02', 'refused'],
  ['23505', 'refused'],
  ['42501', 'refused'],
  ['54001', 'refused'],
] as const)('%s: the outcome is %s', (code, outcome) => {
  expect(outcomeOf(Object.assign(new Error('x'), { code }))).toBe(outcome)
})

test("pgbouncer's own troubles are told apart by what it says", () => {
  const trouble = (message: string) => outcomeOf(Object.assign(new Error(message), { code: '08P01' }))
  expect(trouble('server login has been failing, try again later (server_login_retry)')).toBe('unsent')
  expect(trouble('query_wait_timeout')).toBe('unsent')
  expect(trouble('server conn crashed?')).toBe('unknown')
  expect(outcomeOf(new Error('no code'))).toBe('unknown')
})

test('an address is shown without its password', () => {
  expect(describeAddress('postgres://user:secret@host:5432/db')).toBe('host:5432/db')
})
