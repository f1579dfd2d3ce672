// Invariants 1, 2 and 5 of README.md, with real Postgres and two instances on it; `sink-invariants.pg.test.ts` has 3 and 4.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Sql } from '../platform/database.ts'
import type { Transaction } from '../platform/start-lock.ts'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { freePort } from '../testing/ports.ts'
import { openStream, publish } from '../testing/stream-reader.ts'

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
