// The five invariants of README.md, with real Postgres and two instances on it.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Sql } from '../platform/database.ts'
import type { Transaction } from '../platform/start-lock.ts'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { freePort } from '../testing/ports.ts'
import { openStream, positionOf, publish } from '../testing/stream-reader.ts'
import type { ScannedFrame } from './connection.ts'
import { StreamSocket } from './stream-socket.ts'

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

describe('1. An event exists if and only if its transaction committed', () => {
  test('an event reaches the clients of every instance after its commit', async () => {
    const channel = newChannel()
    await using onA = await openStream(a.url, [channel])
    await using onB = await openStream(b.url, [channel])
    await database.sql.begin(async (transaction) => {
      await transaction`select sse.publish(${channel}, 'order.paid', '{"total":12}')`
      await transaction`select sse.publish(${channel}, 'order.packed', '{"total":12}')`
    })
    for (const reader of [onA, onB]) {
      await reader.untilEvents(2)
      expect(reader.events.map(({ type, data }) => [type, data])).toEqual([
        ['order.paid', { total: 12 }],
        ['order.packed', { total: 12 }],
      ])
    }
  })

  test('an event whose transaction rolled back reaches no client', async () => {
    const channel = newChannel()
    await using reader = await openStream(a.url, [channel])
    await database.sql
      .begin(async (transaction) => {
        await transaction`select sse.publish(${channel}, 'order.paid', '"rolled back"')`
        throw new Error('rolled back')
      })
      .catch(() => {})
    await database.sql`select sse.publish(${channel}, 'order.paid', '"committed"')`
    await reader.untilEvents(1)
    expect(reader.events.map(({ data }) => data)).toEqual(['committed'])
  })

  test('a batch with one invalid event publishes none of its events', async () => {
    const channel = newChannel()
    await using reader = await openStream(a.url, [channel])
    await expect(
      publish(a.url, [
        { channel, type: 'good' },
        { channel: 'bad channel', type: 'x' },
      ]),
    ).rejects.toThrow('channel.invalid')
    await publish(a.url, [{ channel, type: 'later' }])
    await reader.untilEvents(1)
    expect(reader.events.map(({ type }) => type)).toEqual(['later'])
  })
})

describe('2. Positions are dense and become visible in order', () => {
  test('positions are dense and in order on both instances, while both publish and SQL publishes too', async () => {
    const { position: start } = (await (
      await fetch(`${a.url}/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"channel":"start","type":"t"}',
      })
    ).json()) as { position: number }
    const headers = { 'last-event-id': String(start) }
    await using onA = await openStream(a.url, ['>'], headers)
    await using onB = await openStream(b.url, ['>'], headers)
    const channel = newChannel()
    await Promise.all([
      ...Array.from({ length: 40 }, () =>
        publish(a.url, [
          { channel, type: 'a' },
          { channel, type: 'a' },
        ]),
      ),
      ...Array.from({ length: 40 }, () => publish(b.url, [{ channel, type: 'b' }])),
      ...Array.from({ length: 20 }, () => database.sql`select sse.publish(${channel}, 'sql', '1')`),
    ])
    for (const reader of [onA, onB]) {
      await reader.untilEvents(140)
      expect(reader.events.map(({ position }) => position)).toEqual(
        Array.from({ length: 140 }, (_, index) => start + 1 + index),
      )
    }
  })
})

describe("3. A connection's ids only grow, and it skips no event of its channels", () => {
  test('events published on one instance arrive on the other in order', async () => {
    const channel = newChannel()
    await using reader = await openStream(b.url, [channel])
    const positions: number[] = []
    for (let index = 0; index < 20; index++)
      positions.push(...(await publish(a.url, [{ channel, type: 't', data: index }])))
    await reader.untilEvents(20)
    expect(reader.events.map(({ position }) => position)).toEqual(positions)
    expect(reader.events.map(({ data }) => data)).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })

  test('a client that reconnects to the other instance resumes after its last event', async () => {
    const channel = newChannel()
    const first = await openStream(a.url, [channel])
    await publish(a.url, [{ channel, type: 't', data: 1 }])
    await first.untilEvents(1)
    const { id = '' } = first.frames.at(-1) ?? {}
    await first.close()
    await publish(a.url, [
      { channel, type: 't', data: 2 },
      { channel: newChannel(), type: 't' },
      { channel, type: 't', data: 3 },
    ])
    await using second = await openStream(b.url, [channel], { 'last-event-id': id })
    expect(JSON.parse(second.frames[0]?.data ?? '')).toMatchObject({ cursor: id, resumed: true })
    await publish(b.url, [{ channel, type: 't', data: 4 }])
    await second.untilEvents(3)
    expect(second.events.map(({ data }) => data)).toEqual([2, 3, 4])
  })

  test('a client that reconnects repeatedly while events arrive receives each once', async () => {
    const channel = newChannel()
    const received: number[] = []
    let id = String((await publish(a.url, [{ channel, type: 'start' }]))[0])
    const total = 300
    const writing = (async () => {
      for (let index = 0; index < total; index++)
        await publish(index % 2 ? a.url : b.url, [{ channel, type: 't', data: index }])
    })()
    for (let round = 0; received.length < total; round++) {
      await using reader = await openStream(round % 2 ? a.url : b.url, [channel], { 'last-event-id': id })
      const wanted = Math.min(1 + (round % 7), total - received.length)
      await reader.untilEvents(wanted)
      // What a client that is cut off has seen is up to the network; the id it remembers is what counts.
      const seen = reader.events.slice(0, wanted)
      received.push(...seen.map(({ data }) => data as number))
      id = String(seen.at(-1)?.position)
      const ids = reader.frames.map((frame) => positionOf(frame.id))
      expect(ids).toEqual([...ids].sort((left, right) => left - right))
    }
    await writing
    expect(received).toEqual(Array.from({ length: total }, (_, index) => index))
  })

  test('a cursor older than the oldest event receives a gap, and then the events that are left', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url, { WINDOW_BYTES: '0' })
    const positions = await publish(
      instance.url,
      Array.from({ length: 10 }, (_, data) => ({ channel: 'c', type: 't', data })),
    )
    expect(positions.at(-1)).toBe(10)
    await own.sql`delete from sse.log where position <= 6`
    await using reader = await openStream(instance.url, ['c'], { 'last-event-id': '2' })
    await reader.untilEvents(4)
    expect(reader.frames.map(({ event }) => event)).toEqual(['ready', 'gap', 't', 't', 't', 't'])
    expect(reader.frames[1]).toMatchObject({
      id: expect.stringMatching(/^6-/),
      data: '{"from":2,"to":6,"reason":"purged"}',
    })
    expect(reader.events.map(({ position }) => position)).toEqual([7, 8, 9, 10])
  })

  test('a connected client receives a gap for events that were purged before its instance had read them', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url)
    await using reader = await openStream(instance.url, ['c'])
    await own.sql.begin(async (transaction) => {
      await append(transaction, 'c', [1, 2, 3])
      await transaction`delete from sse.log`
    })
    await publish(instance.url, [{ channel: 'c', type: 'next' }])
    await reader.untilEvents(1)
    expect(reader.frames.map(({ event, id }) => [event, positionOf(id)])).toEqual([
      ['ready', 0],
      ['gap', 3],
      ['next', 4],
    ])
    expect(reader.frames[1]?.data).toBe('{"from":0,"to":3,"reason":"purged"}')
  })

  test('a cursor beyond the head, of another log, receives a gap and then new events', async () => {
    const channel = newChannel()
    const [head = 0] = await publish(a.url, [{ channel, type: 'before' }])
    await using reader = await openStream(a.url, [channel], { 'last-event-id': String(head + 1000) })
    await reader.until(({ frames }) => frames.length >= 2)
    expect(reader.frames[1]).toMatchObject({
      event: 'gap',
      data: `{"from":${head + 1000},"to":${head},"reason":"unknown"}`,
    })
    await publish(a.url, [{ channel, type: 'after' }])
    await reader.untilEvents(1)
    expect(reader.events.map(({ type }) => type)).toEqual(['after'])
  })

  test('connected clients receive a gap when the log was set back, as by a restored backup', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url, { POLL_INTERVAL_MS: '20' })
    await using reader = await openStream(instance.url, ['c'])
    await publish(
      instance.url,
      Array.from({ length: 5 }, () => ({ channel: 'c', type: 'lost' })),
    )
    await reader.untilEvents(5)
    await own.sql.begin(async (transaction) => {
      await transaction`update sse.head set position = 2`
      await transaction`delete from sse.log where position > 2`
    })
    await reader.until(({ frames }) => frames.at(-1)?.event === 'gap')
    expect(JSON.parse(reader.frames.at(-1)?.data ?? '')).toEqual({ from: 5, to: 2, reason: 'unknown' })
    await publish(instance.url, [{ channel: 'c', type: 'new' }])
    await reader.untilEvents(6)
    expect(reader.events.at(-1)).toMatchObject({ type: 'new', position: 3 })
  })

  test('connected clients receive a gap when the log was set back and has grown past their cursor', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url, { POLL_INTERVAL_MS: '20' })
    await using reader = await openStream(instance.url, ['c'])
    await publish(
      instance.url,
      Array.from({ length: 3 }, () => ({ channel: 'c', type: 'lost' })),
    )
    await reader.untilEvents(3)
    await own.sql.begin(async (transaction) => {
      await transaction`delete from sse.log`
      await transaction`update sse.head set position = 0`
      await transaction`
        select sse.append(array_fill('c'::text, array[5]), array_fill('other'::text, array[5]), array_fill('1'::json, array[5]),
                          array_fill(null::text, array[5]), null)`
    })
    await reader.until(({ frames }) => frames.at(-1)?.event === 'gap')
    expect(JSON.parse(reader.frames.at(-1)?.data ?? '')).toEqual({ from: 3, to: 5, reason: 'unknown' })
    await publish(instance.url, [{ channel: 'c', type: 'new' }])
    await reader.untilEvents(4)
    expect(reader.events.at(-1)).toMatchObject({ type: 'new', position: 6 })
  })
})

describe('4. Nobody waits for a client', () => {
  test('a reader that stops reading delays no other, and receives everything when it reads again', async () => {
    const channel = newChannel()
    using slow = await openSlowReader(a.url, channel)
    await using quick = await openStream(a.url, [channel])
    const positions = await publishMuch(b.url, channel)
    await quick.untilEvents(positions.length)
    expect(quick.events.map(({ position }) => position)).toEqual(positions)
    const frames = await slow.readUntil(({ id }) => id === positions.at(-1))
    expect(frames.map(({ id }) => id)).toEqual(positions)
  })

  test('nothing is queued for a reader that stops reading: events purged meanwhile are a gap for it', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url, { WINDOW_BYTES: '0' })
    using slow = await openSlowReader(instance.url, 'c')
    await using quick = await openStream(instance.url, ['c'])
    const last = (await publishMuch(instance.url, 'c')).at(-1)
    await quick.until(({ frames }) => positionOf(frames.at(-1)?.id) === last)
    await own.sql`delete from sse.log`
    const frames = await slow.readUntil(({ event }) => event === 'gap')
    const cursor = frames.at(-2)?.id
    expect(JSON.parse(frames.at(-1)?.text.match(/{.*}/)?.[0] ?? '')).toEqual({
      from: cursor,
      to: last,
      reason: 'purged',
    })
    expect(frames.slice(0, -1).map(({ id }) => id)).toEqual(
      Array.from({ length: cursor ?? 0 }, (_, index) => 1 + index),
    )
  })
})

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

describe('5. A lost, duplicated or late NOTIFY changes latency, never content', () => {
  test('without any notification, events come within a poll interval', async () => {
    await using own = await createDatabase()
    const refused = `postgres://127.0.0.1:${await freePort()}/refused`
    await using instance = await startInstance(own.url, { DATABASE_LISTEN_URL: refused, POLL_INTERVAL_MS: '50' })
    await using reader = await openStream(instance.url, ['c'])
    // The second batch comes after a read of the log that found the first: only the poll interval brings it.
    await append(own.sql, 'c', [1, 2, 3])
    await reader.untilEvents(3)
    await append(own.sql, 'c', [4, 5, 6])
    await reader.untilEvents(6)
    expect(reader.events.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('false, duplicated and garbled notifications change nothing', async () => {
    const channel = newChannel()
    await using reader = await openStream(a.url, [channel])
    for (const payload of ['999999999', '0', '-1', 'nonsense', ''])
      await database.sql`select pg_notify('sse_log', ${payload})`
    for (let data = 1; data <= 10; data++) {
      await database.sql.begin(async (transaction) => {
        await append(transaction, channel, [data])
        await transaction`select pg_notify('sse_log', (999999999 + n)::text) from generate_series(1, 20) n`
      })
    }
    await reader.untilEvents(10)
    expect(reader.events.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('a listener whose backend was killed listens again, and the instance reads what came meanwhile', async () => {
    await using own = await createDatabase()
    // No poll of this test: what comes, comes by a notification, or because LISTEN succeeded again.
    await using instance = await startInstance(own.url, { POLL_INTERVAL_MS: '60000' })
    await using reader = await openStream(instance.url, ['c'])
    for (let round = 0; round < 5; round++) {
      await own.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sse-update listen' and datname = current_database()`
      await append(own.sql, 'c', [2 * round])
      await reader.untilEvents(2 * round + 1)
      await append(own.sql, 'c', [2 * round + 1])
      await reader.untilEvents(2 * round + 2)
    }
    expect(reader.events.map(({ data }) => data)).toEqual(Array.from({ length: 10 }, (_, index) => index))
  })
})

/** Appends to the log as another instance does, past the outbox: no relay wakes the feed. */
async function append(sql: Sql | Transaction, channel: string, data: readonly number[]): Promise<void> {
  await sql`
    select sse.append(array_fill(${channel}::text, array[${data.length}::int]), array_fill('t'::text, array[${data.length}::int]),
                      ${data.map(String)}::text[]::json[], array_fill(null::text, array[${data.length}::int]), null)`
}

/** A connection of its own that reads nothing after `ready`, until `readUntil`: fetch would read ahead. */
async function openSlowReader(url: string, channel: string) {
  const frames: ScannedFrame[] = []
  const opened = Promise.withResolvers<void>()
  let onFrame = () => socket.pause()
  const socket = new StreamSocket({
    url: `${url}/events?channel=${channel}`,
    onFrame(frame) {
      frames.push(frame)
      if (frame.event === 'ready') opened.resolve()
      onFrame()
    },
    onClose: (problem) => opened.reject(new Error(problem)),
  })
  await opened.promise
  return {
    /** Reads on, and returns the frames after `ready` up to the first for which the condition holds. */
    async readUntil(condition: (frame: ScannedFrame) => boolean): Promise<ScannedFrame[]> {
      const found = Promise.withResolvers<void>()
      onFrame = () => condition(frames.at(-1) as ScannedFrame) && found.resolve()
      socket.resume()
      await found.promise
      return frames.filter(({ event }) => event !== 'ready' && event !== 'heartbeat')
    },
    [Symbol.dispose]: () => socket.close(),
  }
}
