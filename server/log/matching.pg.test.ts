import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import { matches } from '../protocol/channel.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { matching } from './matching.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const token = fc.constantFrom('a', 'b', 'sse', '+', '[^.]', '\\', "'", '%')
const channel = fc.array(token, { minLength: 1, maxLength: 20 }).map((tokens) => tokens.join('.'))
const short = fc.array(token, { minLength: 1, maxLength: 3 }).map((tokens) => tokens.join('.'))
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 15 }), fc.boolean())
  .map(([tokens, isOpen]) => (isOpen || tokens.length === 0 ? [...tokens, '>'] : tokens).join('.'))

test('Postgres finds the channels that lie within patterns, and no others', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.oneof(short, channel), { minLength: 1, maxLength: 30 }),
    fc.array(pattern, { minLength: 1, maxLength: 8 }),
    async (channels, patterns) => {
      const rows = await database.sql<{ channel: string }[]>`
        select l.channel from unnest(${channels}::text[]) with ordinality as l (channel, place)
        where true ${matching(database.sql, patterns)} order by l.place`
      const expected = channels.filter((each) => patterns.some((wanted) => matches(wanted, each)))
      expect(rows.map((row) => row.channel)).toEqual(expected)
    },
  )
  await fc.assert(property, { numRuns: 200 })
})

test('the text of the statement does not depend on the patterns, so that Postgres prepares one', async () => {
  for (const patterns of [['a.*'], ['a.>', 'c.*.b.*'], ['x', 'y.*.*.*.*.y']]) {
    await database.sql.begin(async (sql) => {
      await sql`select 1 from sse.log l where true ${matching(sql as never, patterns)}`
    })
  }
  const plans = await Promise.all(
    Array.from(
      { length: 20 },
      () => database.sql<{ count: number }[]>`
        select count(*)::int from pg_prepared_statements where statement like '%sse.log l where true%' and statement not like '%pg_prepared%'`,
    ),
  )
  expect(Math.max(...plans.map(([row]) => row?.count ?? 0))).toBe(1)
})
