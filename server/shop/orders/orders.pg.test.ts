import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startFaultProxy } from '../../testing/fault-proxy.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream } from '../../testing/stream-reader.ts'
import type { Order, OrderStatus } from './schema.ts'

let database: TestDatabase
let a: Runtime & AsyncDisposable
let b: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  ;[a, b] = await Promise.all([startInstance(database.url), startInstance(database.url)])
})
afterAll(async () => {
  await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()])
  await database[Symbol.asyncDispose]()
})

const LINES = [{ sku: 'A1', name: 'Tea', quantity: 2, unitPrice: 450 }]
const newCustomer = () => `c-${crypto.randomUUID()}`

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, url = a.url) {
  const response = await fetch(`${url}/api/orders${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined }
}
const create = async (customer: string, headers = {}) =>
  (await call('POST', '', { customer, currency: 'EUR', lines: LINES }, headers)).body as Order
const move = (id: number, to: OrderStatus, headers = {}, url = a.url) =>
  call('POST', `/${id}/transitions`, { to }, headers, url)

describe('an order', () => {
  test('is created pending, with its total, and read again', async () => {
    const customer = newCustomer()
    const { status, body, headers } = await call('POST', '', { customer, currency: 'EUR', lines: LINES })
    expect(status).toBe(201)
    expect(body).toMatchObject({ customer, currency: 'EUR', lines: LINES, total: 900, status: 'pending', version: 1 })
    expect([headers.get('location'), headers.get('etag')]).toEqual([`/api/orders/${body.id}`, '"1"'])
    const read = await call('GET', `/${body.id}`)
    expect(read.body).toEqual({ ...body, cursor: expect.any(String) })
    expect([read.headers.get('x-cursor'), read.headers.get('etag')]).toEqual([String(read.body.cursor), '"1"'])
  })

  test('goes through all statuses, and each transition is an event with the order after it', async () => {
    const customer = newCustomer()
    await using reader = await openStream(b.url, [`orders.${customer}.*`])
    const { id } = await create(customer)
    for (const to of ['paid', 'packed', 'shipped', 'delivered'] as const) {
      expect((await move(id, to)).body).toMatchObject({ id, status: to })
    }
    await reader.untilEvents(5)
    expect(reader.events.map(({ channel, type }) => [channel, type])).toEqual(
      ['created', 'paid', 'packed', 'shipped', 'delivered'].map((step) => [
        `orders.${customer}.${id}`,
        `order.${step}`,
      ]),
    )
    expect(reader.events.map(({ data }) => (data as { order: Order }).order.version)).toEqual([1, 2, 3, 4, 5])
    expect(reader.events[1]?.data).toMatchObject({ order: { id, status: 'paid', total: 900 }, changed: ['status'] })
  })

  test('is refused an illegal transition, with those that are allowed', async () => {
    const { id } = await create(newCustomer())
    expect(await move(id, 'shipped')).toMatchObject({
      status: 409,
      body: { code: 'order.illegal_transition', allowed: ['paid', 'cancelled'], current: 'pending' },
    })
  })

  test('is deleted while pending, and not once it is paid', async () => {
    const customer = newCustomer()
    await using reader = await openStream(a.url, [`orders.${customer}.*`])
    const { id } = await create(customer)
    expect((await call('DELETE', `/${id}`)).status).toBe(204)
    expect(await call('GET', `/${id}`)).toMatchObject({ status: 404, body: { code: 'order.unknown' } })
    await reader.untilEvents(2)
    expect(reader.events.at(-1)).toMatchObject({ type: 'order.deleted', data: { order: { id, version: 2 } } })
    const other = await create(customer)
    await move(other.id, 'paid')
    expect(await call('DELETE', `/${other.id}`)).toMatchObject({ status: 409, body: { code: 'order.not_deletable' } })
  })

  test("leaves a page's own changes out of its stream", async () => {
    const customer = newCustomer()
    await using own = await openStream(`${a.url}/events?channel=orders.${customer}.*&clientId=page-1`)
    const { id } = await create(customer, { 'x-client-id': 'page-1' })
    await move(id, 'paid', { 'x-client-id': 'page-2' })
    await own.untilEvents(1)
    expect(own.events.map(({ type }) => type)).toEqual(['order.paid'])
  })
})

describe('concurrent changes', () => {
  test('meant for an older version are refused with 412', async () => {
    const { id } = await create(newCustomer())
    expect((await move(id, 'paid', { 'if-match': '"1"' })).headers.get('etag')).toBe('"2"')
    expect(await move(id, 'packed', { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'order.version_conflict', version: 2 },
    })
    expect(await call('DELETE', `/${id}`, undefined, { 'if-match': '"1"' })).toMatchObject({ status: 412 })
  })

  test('of many on two instances: one wins each step', async () => {
    const { id } = await create(newCustomer())
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        move(id, index % 2 ? 'paid' : 'cancelled', { 'if-match': '"1"' }, index % 3 ? a.url : b.url),
      ),
    )
    expect(results.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await call('GET', `/${id}`)).body.version).toBe(2)
  })

  test('with one idempotency key create one order', async () => {
    const customer = newCustomer()
    const body = { customer, currency: 'EUR', lines: LINES }
    const key = { 'idempotency-key': crypto.randomUUID() }
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) => call('POST', '', body, key, index % 2 ? a.url : b.url)),
    )
    expect(results.map(({ status }) => status)).toEqual(results.map(() => 201))
    expect(new Set(results.map(({ body: order }) => order.id)).size).toBe(1)
    expect((await call('GET', `?customer=${customer}`)).body.orders).toHaveLength(1)
    expect(await call('POST', '', { ...body, currency: 'USD' }, key)).toMatchObject({
      status: 422,
      body: { code: 'key.reused' },
    })
    // The order of members says nothing.
    expect((await call('POST', '', Object.fromEntries(Object.entries(body).reverse()), key)).status).toBe(201)
    // The same key of another user is another key.
    const other = await call('POST', '', body, { ...key, 'x-user': 'other' })
    expect([other.status, other.body.id === results[0]?.body.id]).toEqual([201, false])
  })

  test('with the idempotency key of an order that was deleted do not make it again', async () => {
    const customer = newCustomer()
    const body = { customer, currency: 'EUR', lines: LINES }
    const key = { 'idempotency-key': crypto.randomUUID() }
    const { id } = (await call('POST', '', body, key)).body
    const results = await Promise.all([
      call('DELETE', `/${id}`),
      ...Array.from({ length: 5 }, () => call('POST', '', body, key, b.url)),
    ])
    for (const { status, body: result } of results.slice(1)) {
      expect([status, result.id ?? result.code]).toEqual(status === 201 ? [201, id] : [410, 'key.deleted'])
    }
    expect(await call('POST', '', body, key)).toMatchObject({ status: 410, body: { code: 'key.deleted' } })
    expect((await call('GET', `?customer=${customer}`)).body.orders).toEqual([])
  })

  test('with an idempotency key are deleted by SQL with no more rights than on the orders', async () => {
    const key = { 'idempotency-key': crypto.randomUUID() }
    const body = { customer: newCustomer(), currency: 'EUR', lines: LINES }
    const { id } = (await call('POST', '', body, key)).body
    const role = `clerk_${process.pid}`
    await database.sql.unsafe(`create role ${role}`)
    try {
      await database.sql.unsafe(`grant usage on schema sse to ${role}; grant select, delete on sse.orders to ${role}`)
      await database.sql.begin(async (transaction) => {
        await transaction.unsafe(`set local role ${role}`)
        await transaction`delete from sse.orders where id = ${id}`
      })
    } finally {
      await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`)
    }
    expect((await call('POST', '', body, key)).status).toBe(410)
  })
})

describe('a list of orders', () => {
  test('is newest first, filtered, in pages', async () => {
    const customer = newCustomer()
    const ids: number[] = []
    for (let count = 0; count < 5; count++) ids.unshift((await create(customer)).id)
    await move(Number(ids[0]), 'paid')
    const first = (await call('GET', `?customer=${customer}&limit=3`)).body
    expect(first.orders.map(({ id }: Order) => id)).toEqual(ids.slice(0, 3))
    const second = (await call('GET', `?customer=${customer}&limit=3&before=${first.next}`)).body
    expect([second.orders.map(({ id }: Order) => id), second.next]).toEqual([ids.slice(3), null])
    expect((await call('GET', `?customer=${customer}&status=paid`)).body.orders.map(({ id }: Order) => id)).toEqual(
      ids.slice(0, 1),
    )
    expect((await call('GET', `?customer=nobody`)).body).toEqual({ orders: [], next: null, cursor: expect.any(String) })
  })

  test('counts by status', async () => {
    await create(newCustomer())
    expect((await call('GET', '/count')).body).toMatchObject({
      counts: { pending: expect.any(Number) },
      cursor: expect.any(String),
    })
  })
})

describe('bad input', () => {
  test.each([
    ['{', 'body.invalid', 400],
    [{ customer: 'a b', currency: 'EUR', lines: LINES }, 'request.invalid', 400],
    [{ customer: 'a', currency: 'euro', lines: LINES }, 'request.invalid', 400],
    [{ customer: 'a', currency: 'EUR', lines: [] }, 'request.invalid', 400],
    [{ customer: 'a', currency: 'EUR', lines: [{ ...LINES[0], name: 'a\u0000b' }] }, 'body.invalid', 400],
    [{ customer: 'a', currency: 'EUR', lines: [{ ...LINES[0], name: 'a\ud800b' }] }, 'body.invalid', 400],
    [{ customer: 'a', currency: 'EUR', lines: Array(101).fill(LINES[0]) }, 'request.invalid', 400],
    [{ customer: 'a', currency: 'EUR', lines: [{ ...LINES[0], quantity: '2' }] }, 'request.invalid', 400],
    [{ customer: 'a', currency: 'EUR', lines: [{ ...LINES[0], quantity: 1.5 }] }, 'request.invalid', 400],
    [{ customer: 'a', currency: 'EUR', lines: LINES, status: 'paid' }, 'request.invalid', 400],
  ])('%j is refused', async (body, code, status) => {
    expect(await call('POST', '', body)).toMatchObject({ status, body: { code, detail: expect.any(String) } })
  })

  test('in the address or the headers is refused too', async () => {
    const { id } = await create(newCustomer())
    expect(await call('GET', '/abc')).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
    for (const id of ['1e30', '9223372036854775808', '-1', '0']) {
      const { status, body } = await call('GET', `/${id}`)
      expect([status, body.code, body.in, body.path, body.detail.length < 200]).toEqual([
        400,
        'request.invalid',
        'params',
        'id',
        true,
      ])
    }
    expect(await call('GET', '?customer=%00')).toMatchObject({ status: 400 })
    expect(await call('GET', '?before=1e30')).toMatchObject({ status: 400 })
    expect(await move(id, 'paid', { 'sec-fetch-site': 'cross-site' })).toMatchObject({
      status: 403,
      body: { code: 'origin.foreign' },
    })
    expect(await call('GET', '?status=paid&limit=0')).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', in: 'query', path: 'limit' },
    })
    expect(await call('GET', '?status=lost')).toMatchObject({ status: 400 })
    expect(await move(id, 'lost' as OrderStatus)).toMatchObject({ status: 400 })
    expect(await move(id, 'paid', { 'if-match': 'W/"x"' })).toMatchObject({
      status: 400,
      body: { code: 'if_match.invalid' },
    })
    expect(await move(id, 'paid', { 'x-client-id': '' })).toMatchObject({
      status: 400,
      body: { code: 'client_id.invalid' },
    })
    expect(await call('PUT', `/${id}`, {})).toMatchObject({ status: 405 })
  })
})

test('without Postgres, requests get 503 with Retry-After', async () => {
  const { hostname, port } = new URL(database.url)
  await using proxy = await startFaultProxy({ host: hostname, port: Number(port) })
  const address = new URL(database.url)
  address.port = String(proxy.port)
  await using instance = await startInstance(address.href, { QUERY_TIMEOUT_MS: '300' })
  const order = { customer: newCustomer(), currency: 'EUR', lines: LINES }
  // On a busy machine the first queries may exceed the timeout.
  while ((await call('POST', '', order, {}, instance.url)).status !== 201);
  proxy.blackhole()
  const lost = await call('POST', '', order, {}, instance.url)
  expect([lost.status, lost.headers.get('retry-after'), lost.body.code]).toEqual([503, '2', 'database.unknown'])
  await proxy.refuse()
  for (;;) {
    const refused = await call('GET', '', undefined, {}, instance.url)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
    if (refused.body.code === 'database.unavailable') break
  }
})
