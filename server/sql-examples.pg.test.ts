import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connectDatabase, type Sql } from './platform/database.ts'
import type { Runtime } from './runtime.ts'
import { createDatabase, type TestDatabase } from './testing/database.ts'
import { startInstance } from './testing/instance.ts'
import { openStream } from './testing/stream-reader.ts'

// What the documentation shows to those who write SQL, as it stands there.

let database: TestDatabase
let instance: Runtime & AsyncDisposable
/** As psql would be. */
let foreign: Sql

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
  foreign = connectDatabase(database.url, { max: 1, name: 'psql' })
})
afterAll(async () => {
  await foreign.end()
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** The SQL between two marks of a README. */
async function exampleOf(file: string, mark: string): Promise<string> {
  const text = await Bun.file(new URL(file, import.meta.url)).text()
  const [, block] =
    text.match(new RegExp(`<!-- ${mark} -->\\s+\`\`\`sql\\n([\\s\\S]*?)\`\`\`\\s+<!-- /${mark} -->`)) ?? []
  if (!block) throw new Error(`${file} has no example "${mark}"`)
  return block
}

const post = async (path: string, body: object) =>
  (
    await fetch(`${instance.url}/api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  ).json()

describe('the example triggers on orders', () => {
  test('publish changes made by plain SQL like those of the server, and changes of the server once', async () => {
    await foreign.unsafe(await exampleOf('shop/orders/README.md', 'triggers'))
    await using reader = await openStream(instance.url, ['orders.>'])
    const lines = [{ sku: 'A1', name: 'Tea', quantity: 2, unitPrice: 450 }]
    const order = await post('orders', { customer: 'alice', currency: 'EUR', lines })
    await foreign`update sse.orders set status = 'paid' where id = ${order.id}`
    await post(`orders/${order.id}/transitions`, { to: 'packed' })
    await foreign`insert into sse.orders (customer, currency, lines, total) values ('bob', 'EUR', '[]', 0)`
    await foreign`delete from sse.orders where customer = 'bob'`
    await reader.untilEvents(5)
    expect(reader.events.map(({ type }) => type)).toEqual([
      'order.created',
      'order.paid',
      'order.packed',
      'order.created',
      'order.deleted',
    ])
    const [created, paid, packed] = reader.events.map(({ data }) => (data as { order: Record<string, unknown> }).order)
    expect(created).toEqual(order)
    expect(paid).toEqual({ ...order, status: 'paid', version: 2, updatedAt: expect.any(String) })
    expect(packed).toEqual({ ...order, status: 'packed', version: 3, updatedAt: expect.any(String) })
    expect(await (await fetch(`${instance.url}/api/orders/${order.id}`)).json()).toMatchObject(packed ?? {})
  })

  test('publish nothing for a change that is rolled back', async () => {
    await using reader = await openStream(instance.url, ['orders.>'])
    await foreign
      .begin(async (transaction) => {
        await transaction`update sse.orders set status = 'cancelled'`
        throw new Error('no')
      })
      .catch(() => {})
    await foreign`update sse.orders set status = 'shipped' where customer = 'alice'`
    await reader.untilEvents(1)
    expect(reader.events.map(({ type }) => type)).toEqual(['order.shipped'])
  })
})

test('a notification sent by plain SQL is delivered to streams and is in the inbox', async () => {
  await using reader = await openStream(instance.url, ['notifications.alice'])
  await foreign.unsafe(await exampleOf('shop/notifications/README.md', 'example'))
  await reader.untilEvents(1)
  const [event] = reader.events
  const { notification } = (event as { data: unknown }).data as { notification: unknown }
  const inbox = await fetch(`${instance.url}/api/notifications`, { headers: { 'x-user': 'alice' } })
  expect(await inbox.json()).toMatchObject({ notifications: [notification], unread: 1 })
})
