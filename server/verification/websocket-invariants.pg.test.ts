// Invariants 3 and 4 of server/README.md, over WebSockets. They are the engine's; this shows that the sink keeps them.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { OPCODE, openRawSocket, type RawSocket } from '../testing/raw-socket.ts'
import { openSocketReader, type SocketMessage } from '../testing/socket-reader.ts'
import { positionOf, publish } from '../testing/stream-reader.ts'
import { until } from '../testing/until.ts'

let database: TestDatabase
let a: Runtime & AsyncDisposable
let b: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  a = await startInstance(database.url)
  b = await startInstance(database.url)
})
afterAll(async () => {
  await a[Symbol.asyncDispose]()
  await b[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const newChannel = () => `test.${crypto.randomUUID()}`

describe("3. A connection's ids only grow, and it skips no event of its channels", () => {
  test('a client that reconnects to one instance and the other while events arrive receives each once', async () => {
    const channel = newChannel()
    const received: number[] = []
    let id = String((await publish(a.url, [{ channel, type: 'start' }]))[0])
    const total = 200
    const writing = (async () => {
      for (let index = 0; index < total; index++)
        await publish(index % 2 ? a.url : b.url, [{ channel, type: 't', data: index }])
    })()
    for (let round = 0; received.length < total; round++) {
      using socket = await openSocketReader(round % 2 ? a.url : b.url, [channel], { lastEventId: id })
      const wanted = Math.min(1 + (round % 7), total - received.length)
      await socket.untilEvents(wanted)
      const seen = socket.events.slice(0, wanted)
      received.push(...seen.map(({ data }) => data.data as number))
      id = seen.at(-1)?.id ?? ''
      const ids = socket.messages.map((message) => positionOf(message.id))
      expect(ids).toEqual([...ids].sort((left, right) => left - right))
    }
    await writing
    expect(received).toEqual(Array.from({ length: total }, (_, index) => index))
  })

  test('a client that changes other channels all the time misses nothing of the one that it keeps', async () => {
    const [kept, other] = [newChannel(), newChannel()]
    using socket = await openSocketReader(a.url, [kept])
    const total = 100
    const writing = (async () => {
      for (let index = 0; index < total; index++) {
        await publish(
          index % 2 ? a.url : b.url,
          [kept, other].map((channel) => ({ channel, type: 't', data: index })),
        )
      }
    })()
    const changing = (async () => {
      // As often as a client may in the long run, beyond what it may at once.
      for (let round = 0; round < 24; round++) {
        socket.send(round % 2 ? { unsubscribe: [other] } : { subscribe: [other] })
        const answers = () => socket.messages.filter(({ event }) => event === 'subscribed').length
        await until('an answer', answers, (count) => count > round)
      }
    })()
    await Promise.all([writing, changing])
    const ofKept = () => socket.events.filter(({ data }) => data.channel === kept)
    await until(
      'all',
      () => ofKept().length,
      (count) => count === total,
    )
    expect(ofKept().map(({ data }) => data.data)).toEqual(Array.from({ length: total }, (_, index) => index))
    const ids = socket.events.map(({ position }) => position)
    expect(ids).toEqual([...new Set(ids)].sort((left, right) => left - right))
  })

  test('a cursor older than the oldest event receives a gap, and then the events that are left', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url, { WINDOW_BYTES: '0' })
    await publish(
      instance.url,
      Array.from({ length: 10 }, (_, data) => ({ channel: 'c', type: 't', data })),
    )
    await own.sql`delete from sse.log where position <= 6`
    using socket = await openSocketReader(instance.url, ['c'], { lastEventId: '2' })
    await socket.untilEvents(4)
    expect(socket.messages[1]).toMatchObject({ event: 'gap', data: { from: 2, to: 6, reason: 'purged' } })
    expect(positionOf(socket.messages[1]?.id)).toBe(6)
    expect(socket.events.map(({ position }) => position)).toEqual([7, 8, 9, 10])
  })

  test('connected clients receive a gap when the log was set back, as by a restored backup', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url, { POLL_INTERVAL_MS: '20' })
    using socket = await openSocketReader(instance.url, ['c'])
    await publish(
      instance.url,
      Array.from({ length: 5 }, () => ({ channel: 'c', type: 'lost' })),
    )
    await socket.untilEvents(5)
    await own.sql.begin(async (transaction) => {
      await transaction`update sse.head set position = 2`
      await transaction`delete from sse.log where position > 2`
    })
    const gap = await socket.message('gap')
    expect(gap.data).toEqual({ from: 5, to: 2, reason: 'unknown' })
    await publish(instance.url, [{ channel: 'c', type: 'new' }])
    await socket.untilEvents(6)
    expect(socket.events.at(-1)).toMatchObject({ event: 'new', position: 3 })
  })
})

describe('4. Nobody waits for a client', () => {
  const messagesOf = ({ frames }: RawSocket) =>
    frames
      .filter(({ opcode }) => opcode === OPCODE.text)
      .flatMap(({ payload }) => JSON.parse(payload.toString()) as SocketMessage | SocketMessage[])
      .filter(({ event }) => event === 't')

  test('a reader that stops reading delays no other, and receives everything, in order, when it reads again', async () => {
    const channel = newChannel()
    using slow = await openRawSocket(a.url, `?channel=${channel}`)
    slow.socket.pause()
    using quick = await openSocketReader(a.url, [channel])
    const data = 'x'.repeat(50_000)
    const total = 400
    for (let sent = 0; sent < total; sent += 20) {
      await publish(
        a.url,
        Array.from({ length: 20 }, () => ({ channel, type: 't', data })),
      )
    }
    await quick.untilEvents(total)
    expect(messagesOf(slow).length).toBeLessThan(total)
    slow.socket.resume()
    await until(
      'everything',
      () => messagesOf(slow).length,
      (count) => count >= total,
    )
    expect(messagesOf(slow).map(({ id }) => id)).toEqual(quick.events.map(({ id }) => id))
  })
})
