import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createRandom } from '../../platform/random.ts'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream } from '../../testing/stream-reader.ts'
import { Demo } from './demo.ts'

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

const statuses = async () =>
  Object.fromEntries(
    (
      await database.sql<{ status: string; count: number }[]>`
      select status, count(*)::int as count from sse.orders group by status`
    ).map(({ status, count }) => [status, count]),
  )

test('creates orders in all statuses, and keeps their number bounded', async () => {
  await using reader = await openStream(instance.url, ['>'])
  const demo = new Demo({ url: instance.url, random: createRandom(7), keep: 60 })
  await demo.open(30)
  const opened = await statuses()
  expect(Object.values(opened).reduce((sum, count) => sum + count, 0)).toBe(30)
  expect(Object.keys(opened)).toContainValues(['pending', 'paid', 'packed', 'shipped', 'delivered'])
  for (let count = 0; count < 400; count++) await demo.act()
  expect(Object.values(await statuses()).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(60)
  for (const count of Object.values(demo.tally)) expect(count).toBeGreaterThan(0)
  await reader.until(({ frames }) =>
    ['order.created', 'order.delivered', 'order.deleted', 'task.running', 'notification.sent'].every((type) =>
      frames.some(({ event }) => event === type),
    ),
  )
}, 30_000)

test('continues when another client has changed its orders', async () => {
  const demo = new Demo({ url: instance.url, random: createRandom(8), keep: 60 })
  await demo.open(40)
  await database.sql`update sse.orders set status = 'cancelled', version = version + 1 where status = 'paid'`
  await database.sql`delete from sse.orders where status = 'pending'`
  for (let count = 0; count < 200; count++) await demo.act()
}, 30_000)

test('fails when no server responds', async () => {
  const demo = new Demo({ url: 'http://127.0.0.1:9', random: createRandom(9), keep: 60 })
  await expect(demo.open(1)).rejects.toThrow()
})
