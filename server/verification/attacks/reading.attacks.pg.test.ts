// Expensive readers of the log: patterns that are expensive to match, and queries that outlive their reader.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { positionOf } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'

/** Rows that one page may compare with 64 patterns. With a regular expression for each, it would exceed the query timeout. */
const MOST_ROWS = 5000

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

/** Appends `count` events to a channel without today's checks, as an old log may contain them. */
const append = (channel: string, count: number) =>
  database.sql`
    select sse.append(array_fill(${channel}::text, array[${count}::int]), array_fill('t'::text, array[${count}::int]),
                      array_fill('1'::json, array[${count}::int]), array_fill(null::text, array[${count}::int]), null)`

const readHistory = (query: string, signal?: AbortSignal) =>
  fetch(`${instance.url}/events?${query}`, {
    headers: { accept: 'application/json' },
    ...(signal && { signal }),
  })

describe('patterns that are expensive to match', () => {
  beforeAll(async () => {
    for (let times = 0; times < 10; times++) await append(`${'a.'.repeat(120)}b`, 2000)
  })

  test('64 patterns of 16 tokens against 20,000 channels of 121 tokens: a page ends after 5,000 rows', async () => {
    const patterns = Array.from({ length: 64 }, (_, index) => `${'*.'.repeat(14)}x${index}.>`)
    const query = new URLSearchParams(patterns.map((pattern) => ['channel', pattern]))
    for (const [direction, from] of [
      ['before=latest', 20_001],
      ['after=0', 0],
    ] as const) {
      const response = await readHistory(`${direction}&${query}`)
      const page = (await response.json()) as { cursor: string; events: unknown[] }
      expect([response.status, page.events]).toEqual([200, []])
      expect(Math.abs(positionOf(page.cursor) - from)).toBeWithin(1, MOST_ROWS + 1)
    }
  })

  test('a pattern of more than 16 tokens is refused', async () => {
    const response = await readHistory(`before=latest&channel=${'*.'.repeat(110)}x0`)
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, 'channel.invalid'])
  })
})

test('more than 64 types of one page are refused', async () => {
  const types = Array.from({ length: 65 }, (_, index) => `type=t${index}`).join('&')
  const response = await readHistory(`before=latest&${types}`)
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, 'type.too_many'])
})

describe('readers that disconnect', () => {
  test('cancel their query: none of 50 continues in Postgres', async () => {
    await using own = await createDatabase()
    await using patient = await startInstance(own.url, { QUERY_TIMEOUT_MS: '600000' })
    const leaving = new AbortController()
    /** Statements that read the log: of readers, and one of the feed. */
    const running = async () =>
      Number(
        (
          await own.sql`
            select count(*)::int as count from pg_stat_activity
            where datname = current_database() and state = 'active' and application_name = 'sse-update'
              and query like '%with bounds%'`
        )[0]?.count,
      )
    await own.sql.begin(async (holder) => {
      // Every read of the log waits for this lock.
      await holder`lock table sse.log`
      const requests = Array.from({ length: 50 }, (_, index) =>
        fetch(`${patient.url}/events?after=${index}&channel=a.*.b`, {
          headers: { accept: 'application/json' },
          signal: leaving.signal,
        }).catch(() => {}),
      )
      await until('readers wait for the lock', running, (count) => count >= 3)
      leaving.abort()
      await Promise.all(requests)
      await until('no query of a reader is left', running, (count) => count <= 1)
    })
    const response = await fetch(`${patient.url}/events?after=0`, { headers: { accept: 'application/json' } })
    expect(response.status).toBe(200)
  })
})
