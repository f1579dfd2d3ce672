// Invariants 3 and 4 of server/README.md, with real Postgres and two instances on it: they are the engine's, and each sink keeps them.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { TRANSPORTS, type Transport } from '../protocol/transport.ts'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { publish } from '../testing/stream-reader.ts'
import { openTransport } from '../testing/transport-reader.ts'

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

/** A channel that no other test uses. */
const newChannel = () => `test.${crypto.randomUUID()}`
/** Events of one channel, whose data are the numbers from 0. */
const numbered = (channel: string, count: number) =>
  Array.from({ length: count }, (_, data) => ({ channel, type: 't', data }))
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

describe.each(TRANSPORTS)(
  "3. Over %s, a connection's ids only grow, and it skips no event of its channels",
  (transport) => {
    const open = (url: string, channels: readonly string[], cursor?: string) =>
      openTransport(transport, url, channels, cursor)

    test('events published on one instance arrive on the other in order', async () => {
      const channel = newChannel()
      using reader = await open(b.url, [channel])
      const positions: number[] = []
      for (const event of numbered(channel, 20)) positions.push(...(await publish(a.url, [event])))
      await reader.untilEvents(20)
      expect(reader.events.map(({ position }) => position)).toEqual(positions)
      expect(reader.events.map(({ data }) => data)).toEqual(upTo(20))
    })

    test('a client that reconnects to the other instance resumes after its last event', async () => {
      const channel = newChannel()
      const first = await open(a.url, [channel])
      await publish(a.url, [{ channel, type: 't', data: 1 }])
      await first.untilEvents(1)
      const { cursor } = await first.frame('t')
      first.close()
      await publish(a.url, [
        { channel, type: 't', data: 2 },
        { channel: newChannel(), type: 't' },
        { channel, type: 't', data: 3 },
      ])
      using second = await open(b.url, [channel], cursor)
      expect((await second.frame('ready')).data).toMatchObject({ cursor })
      await publish(b.url, [{ channel, type: 't', data: 4 }])
      await second.untilEvents(3)
      expect(second.events.map(({ data }) => data)).toEqual([2, 3, 4])
    })

    test('a client that reconnects repeatedly while events arrive receives each once', async () => {
      const channel = newChannel()
      const received: number[] = []
      let cursor = String((await publish(a.url, [{ channel, type: 'start' }]))[0])
      const total = 200
      const writing = (async () => {
        for (const event of numbered(channel, total)) await publish(event.data % 2 ? a.url : b.url, [event])
      })()
      for (let round = 0; received.length < total; round++) {
        using reader = await open(round % 2 ? a.url : b.url, [channel], cursor)
        const wanted = Math.min(1 + (round % 7), total - received.length)
        await reader.untilEvents(wanted)
        // What a client that is cut off has seen is up to the network; the id it remembers is what counts.
        const seen = reader.events.slice(0, wanted)
        received.push(...seen.map(({ data }) => data as number))
        cursor = seen.at(-1)?.cursor ?? ''
        const ids = reader.events.map(({ position }) => position)
        expect(ids).toEqual([...new Set(ids)].sort((left, right) => left - right))
      }
      await writing
      expect(received).toEqual(upTo(total))
    })

    test('a cursor older than the oldest event receives a gap, and then the events that are left', async () => {
      await using own = await createDatabase()
      await using instance = await startInstance(own.url, { WINDOW_BYTES: '0' })
      const positions = await publish(instance.url, numbered('c', 10))
      expect(positions.at(-1)).toBe(10)
      await own.sql`delete from sse.log where position <= 6`
      using reader = await open(instance.url, ['c'], '2')
      await reader.untilEvents(4)
      expect(reader.frames.map(({ event }) => event)).toEqual(['ready', 'gap', 't', 't', 't', 't'])
      expect(reader.frames[1]).toMatchObject({ position: 6, data: { from: 2, to: 6, reason: 'purged' } })
      expect(reader.events.map(({ position }) => position)).toEqual([7, 8, 9, 10])
    })

    test('a connected client receives a gap for events that were purged before its instance had read them', async () => {
      await using own = await createDatabase()
      await using instance = await startInstance(own.url)
      using reader = await open(instance.url, ['c'])
      await own.sql.begin(async (transaction) => {
        await transaction`
        select sse.append(array_fill('c'::text, array[3]), array_fill('t'::text, array[3]), array_fill('1'::json, array[3]),
                          array_fill(null::text, array[3]), null)`
        await transaction`delete from sse.log`
      })
      await publish(instance.url, [{ channel: 'c', type: 'next' }])
      await reader.untilEvents(1)
      expect(reader.frames.slice(1).map(({ event, position }) => [event, position])).toEqual([
        ['gap', 3],
        ['next', 4],
      ])
      expect(reader.frames[1]?.data).toEqual({ from: 0, to: 3, reason: 'purged' })
    })

    test('a cursor beyond the head, of another log, receives a gap and then new events', async () => {
      const channel = newChannel()
      const [head = 0] = await publish(a.url, [{ channel, type: 'before' }])
      using reader = await open(a.url, [channel], String(head + 1000))
      expect((await reader.frame('gap')).data).toEqual({ from: head + 1000, to: head, reason: 'unknown' })
      await publish(a.url, [{ channel, type: 'after' }])
      await reader.untilEvents(1)
      expect(reader.events.map(({ event }) => event)).toEqual(['after'])
    })

    test('connected clients receive a gap when the log was set back, as by a restored backup', async () => {
      await using own = await createDatabase()
      await using instance = await startInstance(own.url, { POLL_INTERVAL_MS: '20' })
      using reader = await open(instance.url, ['c'])
      await publish(instance.url, numbered('c', 5))
      await reader.untilEvents(5)
      await own.sql.begin(async (transaction) => {
        await transaction`update sse.head set position = 2`
        await transaction`delete from sse.log where position > 2`
      })
      expect((await reader.frame('gap')).data).toEqual({ from: 5, to: 2, reason: 'unknown' })
      await publish(instance.url, [{ channel: 'c', type: 'new' }])
      await reader.untilEvents(6)
      expect(reader.events.at(-1)).toMatchObject({ event: 'new', position: 3 })
    })

    test('connected clients receive a gap when the log was set back and has grown past their cursor', async () => {
      await using own = await createDatabase()
      await using instance = await startInstance(own.url, { POLL_INTERVAL_MS: '20' })
      using reader = await open(instance.url, ['c'])
      await publish(instance.url, numbered('c', 3))
      await reader.untilEvents(3)
      await own.sql.begin(async (transaction) => {
        await transaction`delete from sse.log`
        await transaction`update sse.head set position = 0`
        await transaction`
        select sse.append(array_fill('c'::text, array[5]), array_fill('other'::text, array[5]), array_fill('1'::json, array[5]),
                          array_fill(null::text, array[5]), null)`
      })
      expect((await reader.frame('gap')).data).toEqual({ from: 3, to: 5, reason: 'unknown' })
      await publish(instance.url, [{ channel: 'c', type: 'new' }])
      await reader.untilEvents(4)
      expect(reader.events.at(-1)).toMatchObject({ event: 'new', position: 6 })
    })
  },
)

describe.each(TRANSPORTS)('4. Over %s, nobody waits for a client', (transport) => {
  test('a reader that stops reading delays no other, and receives everything when it reads again', async () => {
    const channel = newChannel()
    using slow = await openPaused(transport, a.url, channel)
    using quick = await openTransport(transport, a.url, [channel])
    const positions = await publishMuch(b.url, channel)
    await quick.untilEvents(positions.length)
    expect(quick.events.map(({ position }) => position)).toEqual(positions)
    expect(slow.events).toEqual([])
    slow.resume()
    await slow.untilEvents(positions.length)
    expect(slow.events.map(({ position }) => position)).toEqual(positions)
  })

  test('nothing is queued for a reader that stops reading: events purged meanwhile are a gap for it', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url, { WINDOW_BYTES: '0' })
    using slow = await openPaused(transport, instance.url, 'c')
    // Of another transport than the pollers, which read by steps that both would share.
    using quick = await openTransport('sse', instance.url, ['c'])
    const positions = await publishMuch(instance.url, 'c')
    await quick.untilEvents(positions.length)
    await own.sql`delete from sse.log`
    slow.resume()
    setTimeout(() => console.log('F', slow.frames.map((f) => f.event + f.position).join(' ')), 8000)
    const gap = await slow.frame('gap')
    const received = slow.events.map(({ position }) => position)
    expect(gap.data).toEqual({ from: received.length, to: positions.at(-1), reason: 'purged' })
    expect(received).toEqual(upTo(received.length).map((index) => 1 + index))
    expect(received.length).toBeLessThan(positions.length)
  })
})

/** A connection that reads nothing after `ready`. */
async function openPaused(transport: Transport, url: string, channel: string) {
  const reader = await openTransport(transport, url, [channel])
  reader.pause()
  return reader
}

/** Publishes several times what the network's buffers hold of one stream, and returns the positions. */
async function publishMuch(url: string, channel: string): Promise<number[]> {
  const data = 'x'.repeat(60_000)
  const positions: number[] = []
  for (let batch = 0; batch < 14; batch++) {
    const events = Array.from({ length: 20 }, () => ({ channel, type: 't', data }))
    positions.push(...(await publish(url, events)))
  }
  return positions
}
