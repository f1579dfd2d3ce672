import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { closeOf, openSocketReader } from '../../testing/socket-reader.ts'
import { publish } from '../../testing/stream-reader.ts'

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

const newChannel = () => `test.${crypto.randomUUID()}`

describe('a WebSocket', () => {
  test('begins with ready, and brings every event once, in order, with its cursor', async () => {
    const channel = newChannel()
    using socket = await openSocketReader(instance.url, [channel])
    const ready = await socket.message('ready')
    expect(ready.id).toBe(ready.data.cursor)
    expect(ready.retry).toBeNumber()
    expect(ready.data).toMatchObject({ channels: [channel], resumed: false })
    const positions = await publish(
      instance.url,
      [1, 'two', { three: ['\u2028', '💡'] }].map((data) => ({ channel, type: 't', data })),
    )
    await socket.untilEvents(3)
    expect(socket.events.map(({ position }) => position)).toEqual(positions)
    expect(socket.events.map(({ event, data }) => [event, data.channel, data.type, data.data])).toEqual([
      ['t', channel, 't', 1],
      ['t', channel, 't', 'two'],
      ['t', channel, 't', { three: ['\u2028', '💡'] }],
    ])
  })

  test('sends what one flush has as one message, an array', async () => {
    const channel = newChannel()
    using socket = await openSocketReader(instance.url, [channel])
    await socket.message('ready')
    const before = socket.frames
    await publish(
      instance.url,
      Array.from({ length: 100 }, (_, data) => ({ channel, type: 't', data })),
    )
    await socket.untilEvents(100)
    expect(socket.frames - before).toBeLessThan(10)
  })

  test('resumes after lastEventId', async () => {
    const channel = newChannel()
    const [first] = await publish(
      instance.url,
      [1, 2, 3].map((data) => ({ channel, type: 't', data })),
    )
    using socket = await openSocketReader(instance.url, [channel], { lastEventId: String(first) })
    await socket.untilEvents(2)
    expect(socket.events.map(({ data }) => data.data)).toEqual([2, 3])
  })

  test('of a client ID ends the earlier one, and leaves out what its page causes', async () => {
    const channel = newChannel()
    using first = await openSocketReader(instance.url, [channel], { clientId: 'page-1' })
    using second = await openSocketReader(instance.url, [channel], { clientId: 'page-1' })
    expect(await first.closed).toEqual(closeOf('replaced'))
    expect(first.messages.at(-1)).toMatchObject({ event: 'closing', data: { reason: 'replaced' } })
    await publish(instance.url, [{ channel, type: 't', data: 'own' }], { 'x-client-id': 'page-1' })
    await publish(instance.url, [{ channel, type: 't', data: 'foreign' }])
    await second.untilEvents(1)
    expect(second.events.map(({ data }) => data.data)).toEqual(['foreign'])
  })

  test('is told of a gap, and continues behind it', async () => {
    const channel = newChannel()
    using socket = await openSocketReader(instance.url, [channel], { lastEventId: 'not-ours' })
    const ready = await socket.message('ready')
    expect(ready.id).toBeUndefined()
    const gap = await socket.message('gap')
    expect(gap.data).toMatchObject({ from: null, reason: 'unknown' })
    await publish(instance.url, [{ channel, type: 't' }])
    await socket.untilEvents(1)
  })
})

describe('a request for a WebSocket', () => {
  const get = (query: string, headers: Record<string, string>) =>
    fetch(`${instance.url}/events${query}`, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-protocol': 'sse-update.v1',
        ...headers,
      },
    })

  test('without the subprotocol gets 426, which names it', async () => {
    const response = await get('', { 'sec-websocket-protocol': 'chat' })
    expect(response.status).toBe(426)
    expect(response.headers.get('sec-websocket-protocol')).toBe('sse-update.v1')
    expect(response.headers.get('upgrade')).toBe('websocket')
    expect(await response.json()).toMatchObject({ code: 'websocket.protocol' })
  })

  test('gets the problem document that a stream would get', async () => {
    for (const [query, code] of [
      ['?channels=a', 'parameter.unknown'],
      ['?channel=a..b', 'channel.invalid'],
      ['?clientId=', 'client_id.invalid'],
    ]) {
      const response = await get(query as string, {})
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, code as string])
    }
  })
})

test('the socket is counted by its transport', async () => {
  using socket = await openSocketReader(instance.url, [newChannel()])
  await socket.message('ready')
  const metrics = await (await fetch(`${instance.url}/metrics`)).text()
  expect(metrics).toMatch(/connections_opened_total\{transport="websocket"\} [1-9]/)
})

describe('a client that changes its channels', () => {
  test('is told which they are, and gets what comes on the new ones, without losing its place', async () => {
    const [a, b] = [newChannel(), newChannel()]
    using socket = await openSocketReader(instance.url, [a])
    await socket.message('ready')
    await publish(instance.url, [
      { channel: b, type: 't', data: 'before' },
      { channel: a, type: 't', data: 'place' },
    ])
    await socket.untilEvents(1)
    socket.send({ subscribe: [b] })
    const answer = await socket.message('subscribed')
    expect(answer.id).toBeUndefined()
    expect(answer.data).toEqual({ channels: [a, b].sort(), cursor: expect.stringMatching(/^\d+-/) })
    await publish(
      instance.url,
      [a, b, a].map((channel, data) => ({ channel, type: 't', data })),
    )
    await socket.untilEvents(4)
    expect(socket.events.map(({ data }) => data.data)).toEqual(['place', 0, 1, 2])
    socket.send({ unsubscribe: [a] })
    await socket.message('subscribed', ({ data }) => data.channels.length === 1)
    await publish(
      instance.url,
      [a, b].map((channel) => ({ channel, type: 't', data: 'last' })),
    )
    await socket.untilEvents(5)
    expect(socket.events.at(-1)?.data).toMatchObject({ channel: b, data: 'last' })
  })

  test('may swap them in one message, and still has a pattern when another that covered it is gone', async () => {
    const root = newChannel()
    using socket = await openSocketReader(instance.url, [`${root}.a`])
    socket.send({ subscribe: [`${root}.>`] })
    await socket.message('subscribed', ({ data }) => data.channels[0] === `${root}.>`)
    socket.send({ unsubscribe: [`${root}.>`], subscribe: [`${root}.b`] })
    const { data } = await socket.message('subscribed', ({ data }) => data.channels.length === 2)
    expect(data.channels).toEqual([`${root}.a`, `${root}.b`])
  })

  test.each([
    ['a pattern that is none', { subscribe: ['a..b'] }, 'channel.invalid'],
    ['a pattern that is no text', { subscribe: [7] }, 'channel.invalid'],
    [
      'more patterns than a stream takes',
      { subscribe: Array.from({ length: 65 }, (_, i) => `a${i}`) },
      'channel.too_many',
    ],
    ['no channel at all', { unsubscribe: ['own'] }, 'subscription.empty'],
    ['a token where there are none', { token: 'x' }, 'session.unavailable'],
  ])('and asks for %s is refused that, and its stream lives on', async (_, message, code) => {
    const channel = newChannel()
    using socket = await openSocketReader(instance.url, ['own'])
    socket.send(message)
    const { data } = await socket.message('error')
    expect(data).toMatchObject({ code, status: expect.any(Number), detail: expect.any(String) })
    socket.send({ subscribe: [channel] })
    await socket.message('subscribed')
    await publish(instance.url, [{ channel, type: 't' }])
    await socket.untilEvents(1)
  })

  test('gets the answers in the order of its messages', async () => {
    using socket = await openSocketReader(instance.url, ['own'])
    for (const message of [{ subscribe: ['x.y'] }, { subscribe: ['..'] }, { token: 'x' }, { unsubscribe: ['x.y'] }]) {
      socket.send(message)
    }
    await socket.message('subscribed', ({ data }) => data.channels.length === 1)
    expect(socket.messages.filter(({ id }) => id === undefined).map(({ event }) => event)).toEqual([
      'subscribed',
      'error',
      'error',
      'subscribed',
    ])
  })

  test.each([
    '{',
    '7',
    'null',
    '[]',
    '{}',
    '{"subscribe":"a"}',
    '{"token":1}',
    '{"token":"a","subscribe":[]}',
    '{"ping":1}',
  ])('is closed as invalid, with a problem, when it sends %s', async (text) => {
    using socket = await openSocketReader(instance.url, ['own'])
    socket.send(text)
    expect(await socket.closed).toEqual(closeOf('invalid'))
    expect(socket.messages.at(-1)).toMatchObject({ event: 'error', data: { code: 'message.invalid' } })
  })
})
