import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const MAX_BYTES = 2 * 2 ** 20

/** The IDs on all pages of a list, and the size of the largest page in bytes. */
async function readAll(path: string, member: string) {
  const ids: number[] = []
  let largest = 0
  for (let next: number | null = Number.MAX_SAFE_INTEGER; next !== null; ) {
    const text = await (await fetch(`${instance.url}${path}?limit=500&before=${next}`)).text()
    const page = JSON.parse(text) as Record<string, { id: number }[]> & { next: number | null }
    largest = Math.max(largest, text.length)
    ids.push(...(page[member] ?? []).map(({ id }) => id))
    next = page.next
  }
  return { ids, largest }
}

const downFrom = (count: number) => Array.from({ length: count }, (_, index) => count - index)

describe('a list of rows of the maximum size', () => {
  test('of orders has pages that do not block the event loop, and no order is missing', async () => {
    await database.sql`
      insert into sse.orders (customer, currency, lines, total)
      select 'ann', 'EUR', (
        select jsonb_agg(jsonb_build_object('sku', repeat('s', 100), 'name', repeat('n', 200), 'quantity', 1, 'unitPrice', 1))
        from generate_series(1, 100)), 100
      from generate_series(1, 600)`
    const { ids, largest } = await readAll('/api/orders', 'orders')
    expect(ids).toEqual(downFrom(600))
    expect(largest).toBeLessThan(MAX_BYTES)
  })

  test('of notifications has pages that do not block the event loop', async () => {
    await database.sql`
      insert into sse.notifications (sender, everyone, title, body)
      select 'ann', true, 't', repeat('b', 10000) from generate_series(1, 600)`
    const { ids, largest } = await readAll('/api/notifications', 'notifications')
    expect(ids).toEqual(downFrom(600))
    expect(largest).toBeLessThan(MAX_BYTES)
  })
})

test('a long notification to very many users is refused with 413, and publishes nothing', async () => {
  const send = (body: string, count: number) =>
    fetch(`${instance.url}/api/notifications`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ to: Array.from({ length: count }, (_, index) => `p${index}`), title: 'Long', body }),
    })
  const refused = await send('b'.repeat(10_000), 1000)
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([413, 'notification.too_large'])
  expect(await database.sql`select from sse.notifications where title = 'Long'`).toHaveLength(0)
  expect((await send('b'.repeat(10_000), 100)).status).toBe(201)
  expect((await send('b'.repeat(1000), 1000)).status).toBe(201)
})

describe.each(['orders', 'tasks'])('a flood of requests that count %s', (table) => {
  test('takes one connection to Postgres, so that other requests are served', async () => {
    const { locked, counts } = await database.sql.begin(async (sql) => {
      await sql.unsafe(`lock table sse.${table} in access exclusive mode`)
      const counts = Array.from({ length: 30 }, () => fetch(`${instance.url}/api/${table}/count`))
      // Served by the remaining connections.
      const inbox = await fetch(`${instance.url}/api/notifications?limit=1`, { signal: AbortSignal.timeout(3000) })
      expect(inbox.status).toBe(200)
      const locked = await sql`
        select from pg_locks l join pg_stat_activity a using (pid)
        where not l.granted and l.relation = ${`sse.${table}`}::regclass and a.query like '%group by%'`
      return { locked, counts }
    })
    expect(locked.length).toBeLessThanOrEqual(1)
    for (const response of await Promise.all(counts)) expect(response.status).toBe(200)
  })
})
