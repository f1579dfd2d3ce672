// What a verifier relies on, of each transport: it resumes after a cursor, stops reading, and reports how a connection ended.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { TRANSPORTS } from '../protocol/transport.ts'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { publish } from '../testing/stream-reader.ts'
import { until } from '../testing/until.ts'
import type { Connection, ScannedFrame } from './connection.ts'
import { openConnection } from './open-connection.ts'

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

describe.each(TRANSPORTS)('a connection over %s', (transport) => {
  /** Opens a connection, with all that it has received. */
  const open = (query: string, options: { cursor?: string; headers?: () => Record<string, string> } = {}) => {
    const frames: ScannedFrame[] = []
    const closed = Promise.withResolvers<string>()
    let traffic = 0
    const connection: Connection = openConnection(transport, {
      url: `${instance.url}/events?${query}`,
      ...options,
      onFrame: (frame) => frames.push(frame),
      onTraffic: (bytes) => {
        traffic += bytes
      },
      onClose: closed.resolve,
    })
    return {
      connection,
      closed: closed.promise,
      frames,
      get traffic() {
        return traffic
      },
      events: () => frames.filter(({ event }) => event === 't').map(({ id }) => id),
      ready: () => until('ready', () => frames.some(({ event }) => event === 'ready')),
      [Symbol.dispose]: () => connection.close(),
    }
  }
  const newChannel = () => `test.${crypto.randomUUID()}`
  const untilEvents = (stream: { events: () => number[] }, count: number) =>
    until(
      `${count} events`,
      () => stream.events().length,
      (length) => length >= count,
    )

  test('is ready, delivers what follows, counts its bytes, and is resumed after the cursor of an event', async () => {
    const channel = newChannel()
    using first = open(`channel=${channel}`)
    await first.ready()
    const before = first.traffic
    const positions = await publish(instance.url, Array(3).fill({ channel, type: 't', data: 'x'.repeat(1000) }))
    await untilEvents(first, 3)
    expect(first.events()).toEqual(positions)
    expect(first.traffic - before).toBeGreaterThan(3000)
    const cursor = first.frames.find(({ id }) => id === positions[0])?.cursor ?? ''
    expect(cursor).toMatch(/^\d+-\w+$/)
    using second = open(`channel=${channel}`, { cursor })
    await untilEvents(second, 2)
    expect(second.events()).toEqual(positions.slice(1))
  })

  test('that stops reading receives nothing until it reads again, and then everything in order', async () => {
    const channel = newChannel()
    using slow = open(`channel=${channel}`)
    using quick = open(`channel=${channel}`)
    await Promise.all([slow.ready(), quick.ready()])
    slow.connection.pause()
    const positions: number[] = []
    for (let round = 0; round < 5; round++) {
      positions.push(...(await publish(instance.url, Array(10).fill({ channel, type: 't' }))))
      await untilEvents(quick, positions.length)
    }
    expect(slow.events()).toEqual([])
    slow.connection.resume()
    await untilEvents(slow, positions.length)
    expect(slow.events()).toEqual(positions)
  })

  test('reports a refusal by its status', async () => {
    using refused = open('channel=bad..channel')
    expect(await refused.closed).toBe('status 400')
    expect(refused.connection.isClosed).toBe(true)
  })

  test('reports why the server ends it', async () => {
    const url = `channel=${newChannel()}&clientId=${crypto.randomUUID()}`
    using first = open(url)
    await first.ready()
    // What waits under a client ID is ended by another connection of it.
    if (transport === 'poll') await until('a request waits', async () => (await waiting()) > 0)
    using second = open(url)
    await second.ready()
    await first.closed
    const last = first.frames.at(-1)
    expect([last?.event, last?.text.includes('"reason":"replaced"')]).toEqual(['closing', true])
  })

  const waiting = async () =>
    Number(/^sse_update_connections (\d+)/m.exec(await (await fetch(`${instance.url}/metrics`)).text())?.[1])
})

test('a WebSocket answers a ping with its payload', async () => {
  const pong = Promise.withResolvers<string>()
  using server = Bun.serve({
    port: 0,
    fetch: (request, http) => (http.upgrade(request) ? undefined : new Response(null, { status: 400 })),
    websocket: {
      open: (socket) => void socket.ping('are you there?'),
      message() {},
      pong: (_socket, payload) => pong.resolve(payload.toString()),
    },
  })
  const url = `http://127.0.0.1:${server.port}/events`
  const connection = openConnection('websocket', { url, onFrame() {}, onClose: pong.resolve })
  expect(await pong.promise).toBe('are you there?')
  connection.close()
})
