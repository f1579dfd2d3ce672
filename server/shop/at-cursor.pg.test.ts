import { afterAll, beforeAll, expect, test } from 'bun:test'
import { PAGE_BYTES } from '../http/paging.ts'
import type { Database } from '../platform/pool.ts'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { readOne, readPage } from './at-cursor.ts'

let own: TestDatabase
let database: Database
beforeAll(async () => {
  own = await createDatabase()
  database = directly(own.sql)
}, 60_000)
afterAll(() => own[Symbol.asyncDispose](), 60_000)

/** A page of the rows 1 to `count`, each of `bytes` bytes. */
const page = (count: number, bytes: number, limit: number) =>
  readPage<{ id: number }, { id: number }>(
    database,
    { limit },
    {
      newest: (sql, { before, limit }) => sql`
        select id from generate_series(1, ${count}::bigint) id where id < ${before} order by id desc limit ${limit}`,
      bytes: (sql) => sql`${bytes}::int`,
      total: (sql) => sql`select 7`,
      toItem: ({ id }) => ({ id }),
    },
  )

test('a page ends after the row by which its bytes are exceeded', async () => {
  expect((await page(5, PAGE_BYTES / 2, 10)).items).toEqual([{ id: 5 }, { id: 4 }])
  expect(await page(5, 2 * PAGE_BYTES, 10)).toMatchObject({ items: [{ id: 5 }], next: 5 })
  expect(await page(5, 1, 10)).toMatchObject({ items: [5, 4, 3, 2, 1].map((id) => ({ id })), next: null })
})

test('the total of a list and the cursor are read whether it has items or not', async () => {
  for (const count of [0, 3]) {
    const { items, total, cursor } = await page(count, 1, 10)
    expect([items.length, total]).toEqual([count, 7])
    expect(cursor).toMatch(/^0-/)
  }
})

test('one row is read with the cursor, or none', async () => {
  expect(await readOne(database, (sql) => sql`select 4 as id`)).toMatchObject({ id: 4, cursor: expect.any(String) })
  expect(await readOne(database, (sql) => sql`select 4 as id where false`)).toBeUndefined()
})
