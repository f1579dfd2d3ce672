import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream } from '../../testing/stream-reader.ts'
import type { Notification } from './schema.ts'

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

const newPerson = () => `p-${crypto.randomUUID()}`

async function call(
  person: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  url = a.url,
) {
  const response = await fetch(`${url}/api/notifications${path}`, {
    method,
    headers: { 'x-user': person, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined }
}

const send = async (to: string[] | 'everyone', title: string, rest: object = {}) => {
  const { status, body } = await call('shop', 'POST', '', { to, title, ...rest })
  expect(status).toBe(201)
  return body as Notification
}

const titles = (body: { notifications: Notification[] }) => body.notifications.map(({ title }) => title)

describe('a notification', () => {
  test('to several people reaches each of them, on any instance, and no other client', async () => {
    const [alice, bob, eve] = [newPerson(), newPerson(), newPerson()]
    await using readers = new AsyncDisposableStack()
    const [one, two, three] = await Promise.all(
      [alice, bob, eve].map(async (person) => readers.use(await openStream(b.url, [`notifications.${person}`]))),
    )
    const sent = await send([alice, bob, alice], 'Hello', { body: 'There', level: 'success', link: '/orders/1' })
    await Promise.all([one?.untilEvents(1), two?.untilEvents(1)])
    for (const reader of [one, two]) {
      expect(reader?.events).toMatchObject([{ type: 'notification.sent', data: { notification: sent } }])
    }
    await send([eve], 'Later')
    await three?.untilEvents(1)
    expect(three?.events).toMatchObject([{ data: { notification: { title: 'Later' } } }])
    expect((await call(alice, 'GET', '')).body).toEqual({
      notifications: [sent],
      next: null,
      unread: expect.any(Number),
      cursor: expect.any(String),
    })
    expect(sent).toMatchObject({
      sender: 'shop',
      everyone: false,
      level: 'success',
      link: '/orders/1',
      readAt: null,
      version: 1,
    })
  })

  test('to everyone is in each inbox, and read by each on their own', async () => {
    const [alice, bob] = [newPerson(), newPerson()]
    await using reader = await openStream(a.url, ['broadcast'])
    const sent = await send('everyone', 'To all')
    await reader.untilEvents(1)
    expect(reader.events).toMatchObject([
      { channel: 'broadcast', data: { notification: { id: sent.id, everyone: true } } },
    ])
    const before = (await call(bob, 'GET', '?limit=1')).body
    expect(titles(before)).toEqual(['To all'])
    expect((await call(alice, 'POST', `/${sent.id}/read`)).body).toMatchObject({
      version: 2,
      readAt: expect.any(String),
    })
    expect((await call(bob, 'GET', '?limit=1')).body).toMatchObject({
      unread: before.unread,
      notifications: [{ readAt: null }],
    })
    expect((await call(alice, 'GET', '?unread=true&limit=1')).body.unread).toBe(before.unread - 1)
  })

  test('with one idempotency key is sent once', async () => {
    const person = newPerson()
    const key = { 'idempotency-key': crypto.randomUUID() }
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        call('shop', 'POST', '', { to: [person], title: 'Once' }, key, index % 2 ? a.url : b.url),
      ),
    )
    expect(new Set(results.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1)
    expect(titles((await call(person, 'GET', '')).body).filter((title) => title === 'Once')).toHaveLength(1)
  })
})

describe('marking as read', () => {
  test('is published to all pages of the person except the one that did it, and only the first time', async () => {
    const person = newPerson()
    await using own = await openStream(`${a.url}/events?channel=notifications.${person}&clientId=tab-1`)
    await using other = await openStream(`${b.url}/events?channel=notifications.${person}&clientId=tab-2`)
    const { id } = await send([person], 'Read me')
    const reads = await Promise.all(
      [a.url, b.url, a.url, b.url].map((url) =>
        call(person, 'POST', `/${id}/read`, undefined, { 'x-client-id': 'tab-1' }, url),
      ),
    )
    expect(reads.map(({ status, body }) => [status, body.version])).toEqual(reads.map(() => [200, 2]))
    expect(new Set(reads.map(({ body }) => body.readAt)).size).toBe(1)
    await send([person], 'Next')
    await Promise.all([other.untilEvents(3), own.untilEvents(2)])
    expect(other.events.map(({ type, data }) => [type, (data as { ids?: number[] }).ids])).toEqual([
      ['notification.sent', undefined],
      ['notification.read', [id]],
      ['notification.sent', undefined],
    ])
    expect(own.events.map(({ type }) => type)).toEqual(['notification.sent', 'notification.sent'])
  })

  test('everything up to an id leaves later notifications unread', async () => {
    const person = newPerson()
    const [first, second] = [await send([person], 'First'), await send([person], 'Second')]
    await call(person, 'POST', '/read', {})
    const [third, fourth] = [await send([person], 'Third'), await send([person], 'Fourth')]
    await using reader = await openStream(a.url, [`notifications.${person}`])
    expect((await call(person, 'POST', '/read', { through: third.id })).body).toMatchObject({
      ids: [third.id],
      unread: 1,
    })
    expect((await call(person, 'POST', '/read', { through: third.id })).body).toMatchObject({ ids: [], unread: 1 })
    const list = async (query: string) => titles((await call(person, 'GET', query)).body)
    expect((await list('?unread=true')).filter((title) => title !== 'To all')).toEqual(['Fourth'])
    expect((await list('')).filter((title) => title !== 'To all')).toEqual(['Fourth', 'Third', 'Second', 'First'])
    await call(person, 'POST', `/${fourth.id}/read`)
    const readings = () => reader.events.filter(({ type }) => type === 'notification.read').map(({ data }) => data)
    // That of the first two may come too: it was on its way when the stream began.
    await reader.until(() => readings().some((data) => (data as { ids: number[] }).ids.includes(fourth.id)))
    expect(readings().slice(-2)).toMatchObject([{ ids: [third.id] }, { ids: [fourth.id], version: 2 }])
    expect(first.id).toBeLessThan(second.id)
  })

  test('a notification of another person, or none, gets 404', async () => {
    const { id } = await send([newPerson()], 'Private')
    const unknown = { status: 404, body: { code: 'notification.unknown' } }
    expect(await call(newPerson(), 'POST', `/${id}/read`)).toMatchObject(unknown)
    expect(await call(newPerson(), 'POST', '/99999999/read')).toMatchObject(unknown)
    expect(
      await database.sql`select 1 from sse.notification_deliveries where notification = ${id} and read_at is not null`,
    ).toHaveLength(0)
  })
})

test('an inbox comes in pages, newest first', async () => {
  const own = await createDatabase()
  await using instance = await startInstance(own.url)
  const person = newPerson()
  const sendTo = async (to: string[] | 'everyone', title: string) =>
    (await call('shop', 'POST', '', { to, title }, {}, instance.url)).body as Notification
  for (let count = 1; count <= 5; count++) await sendTo(count % 2 ? [person] : 'everyone', String(count))
  const first = (await call(person, 'GET', '?limit=3', undefined, {}, instance.url)).body
  expect([titles(first), first.unread]).toEqual([['5', '4', '3'], 5])
  const second = (await call(person, 'GET', `?limit=3&before=${first.next}`, undefined, {}, instance.url)).body
  expect([titles(second), second.next]).toEqual([['2', '1'], null])
  expect((await call(newPerson(), 'GET', '', undefined, {}, instance.url)).body).toMatchObject({ unread: 2 })
  await instance.stop()
  await own[Symbol.asyncDispose]()
})

test('a person of any script has an inbox', async () => {
  const bytes = Buffer.from('李', 'utf8').toString('latin1')
  await send(['李'], 'Hello')
  const { body } = await call(bytes, 'GET', '?limit=1')
  expect(titles(body)).toEqual(['Hello'])
})

describe('bad input', () => {
  test.each([
    [{ to: [], title: 'x' }],
    [{ to: 'nobody', title: 'x' }],
    [{ to: ['a b'], title: 'x' }],
    [{ to: ['a'], title: '' }],
    [{ to: ['a'] }],
    [{ to: ['a'], title: 'x', level: 'loud' }],
    [{ to: ['a'], title: 'x', link: 'javascript:alert(1)' }],
    [{ to: ['a'], title: 'x', link: '//elsewhere.example' }],
    [{ to: ['a'], title: 'x', link: '/\\elsewhere.example' }],
    [{ to: ['a'], title: 'x', extra: 1 }],
  ])('%j is refused', async (body) => {
    expect(await call('shop', 'POST', '', body)).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
  })

  test('in the address is refused too', async () => {
    expect(await call('shop', 'GET', '?unread=maybe')).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
    expect(await call('shop', 'POST', '/abc/read')).toMatchObject({ status: 400 })
    expect(await call('shop', 'DELETE', '')).toMatchObject({ status: 405 })
  })
})
