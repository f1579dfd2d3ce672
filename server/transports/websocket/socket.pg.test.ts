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
