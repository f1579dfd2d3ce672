// Attacks on those who read the log: patterns that are expensive to match, and queries that outlive their reader.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'

/** Postgres may take so long for a page, in milliseconds: a regular expression for each row took 2,100 a pattern. */
const BUDGET = 1000

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

/** Appends `count` events to a channel, past the checks of today: what an old log may hold. */
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

  test('64 patterns of 16 tokens against 20,000 channels of 121 tokens cost a page no more than its budget', async () => {
    const patterns = Array.from({ length: 64 }, (_, index) => `${'*.'.repeat(14)}x${index}.>`)
    const query = new URLSearchParams(patterns.map((pattern) => ['channel', pattern]))
    for (const direction of ['before=latest', 'after=0']) {
      const { elapsed } = await timed(() => readHistory(`${direction}&${query}`))
      expect(elapsed).toBeLessThan(BUDGET)
    }
  })

  test('a pattern of more than 16 tokens is refused', async () => {
    const response = await readHistory(`before=latest&channel=${'*.'.repeat(110)}x0`)
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, 'channel.invalid'])
  })
})

/** How long a request takes, in milliseconds. */
async function timed(request: () => Promise<Response>) {
  const start = performance.now()
  const response = await request()
  expect(response.status).toBe(200)
  await response.text()
  return { elapsed: performance.now() - start }
}
