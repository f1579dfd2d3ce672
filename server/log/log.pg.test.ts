import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { connectDatabase } from '../platform/database.ts'
import type { NewEvent } from '../protocol/event.ts'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { createLog, type EventLog } from './log.ts'

let database: TestDatabase
let log: EventLog
beforeAll(async () => {
  database = await createDatabase()
  log = createLog(directly(database.sql))
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.sql`truncate sse.log, sse.outbox`
  await database.sql`update sse.head set position = 0`
})

const event = (channel: string, data = '1', more: Partial<NewEvent> = {}): NewEvent => ({
  channel,
  type: 't',
  data,
  origin: null,
  key: null,
  ...more,
})

describe('appending to the log', () => {
  test('returns dense positions in the order of the events', async () => {
    expect(await log.append([event('a'), event('b')])).toEqual([1, 2])
    expect(await log.append([event('c')])).toEqual([3])
  })

  test('keeps the data as it was published, byte for byte', async () => {
    const texts = [
      '{"a":  1,\n"a": 2}',
      '12345678901234567890',
      '"\\u0000 \\ud800 \u2028 \\" \\\\"',
      '[{}, "{,}", "NULL", "\\"" ]',
    ]
    await log.append(texts.map((data) => event('a', data)))
    const { events } = await log.read({ after: 0, limit: 10 })
    expect(events.map(({ data }) => data)).toEqual(texts)
  })

  test('leaves no hole, and shows none to any reader, while many writers commit, roll back or die', async () => {
    const writers = 8
    const seen: number[] = []
    let isWriting = true
    const reader = (async () => {
      while (isWriting || seen.length < (await log.bounds()).head) {
        const page = await log.read({ after: seen.at(-1) ?? 0, limit: 1000 })
        seen.push(...page.events.map(({ position }) => position))
      }
    })()
    let committed = 0
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let round = 0; round < 25; round++) {
          const sql = connectDatabase(database.url, { max: 1 })
          const kind = (writer + round) % 3
          await sql
            .begin(async (transaction) => {
              const count = 1 + (round % 4)
              await createLog(directly(transaction)).append(Array.from({ length: count }, () => event(`w.${writer}`)))
              if (kind === 1) throw new Error('rolled back')
              if (kind === 2) await transaction`select pg_terminate_backend(pg_backend_pid())`
              return count
            })
            .then((count) => {
              committed += count
            })
            .catch(() => {})
          await sql.end({ timeout: 0 })
        }
      }),
    )
    isWriting = false
    await reader
    expect(seen).toEqual(Array.from({ length: committed }, (_, index) => index + 1))
    expect(committed).toBeGreaterThan(100)
  })

  test('continues in the next partition when one is full', async () => {
    const [{ through } = { through: 0 }] = await database.sql<
      { through: number }[]
    >`select partitioned_through as through from sse.head`
    await database.sql`update sse.head set position = ${through - 2}`
    expect(await log.append([event('a'), event('a'), event('a'), event('a')])).toEqual([
      through - 1,
      through,
      through + 1,
      through + 2,
    ])
    const page = await log.read({ after: through - 2, limit: 10 })
    expect(page.events.map(({ position }) => position)).toEqual([through - 1, through, through + 1, through + 2])
  })
})

describe('an idempotency key', () => {
  const keyed = (channel: string, key: string | null, data = '1') => event(channel, data, { key })

  test('returns the position of the first use, and appends nothing', async () => {
    expect(await log.append([keyed('a', 'k')])).toEqual([1])
    expect(await log.append([keyed('a', 'k')])).toEqual([1])
    expect((await log.read({ after: 0, limit: 10 })).events.map(({ data }) => data)).toEqual(['1'])
  })

  test('is refused for another type or other data, and nothing of the call is appended', async () => {
    await log.append([keyed('a', 'k', '{"n":1,"m":[2]}')])
    const refusal = (...events: NewEvent[]) => log.append(events).catch(({ code, detail }) => `${code} ${detail}`)
    expect(await refusal(keyed('a', 'k', '{"n":2}'))).toBe('SE001 1:0')
    expect(await refusal(event('a', '{"n":1,"m":[2]}', { key: 'k', type: 'other' }))).toBe('SE001 1:0')
    expect(await refusal(keyed('a', null), keyed('a', 'new', '1'), keyed('b', 'k'), keyed('a', 'new', '2'))).toBe(
      'SE001 4:2',
    )
    expect((await log.bounds()).head).toBe(1)
  })

  test('accepts the same JSON in another notation', async () => {
    await log.append([keyed('a', 'k', '{"n":1,"m":[2]}'), keyed('a', 'zero', '"\\u0000"')])
    expect(await log.append([keyed('a', 'k', '{ "m": [2], "n": 1.0 }')])).toEqual([1])
    expect(await log.append([keyed('a', 'zero', '"\\u0000"')])).toEqual([2])
    // What jsonb can not hold is compared as text.
    expect(await log.append([keyed('a', 'zero', ' "\\u0000"')]).catch(({ code }) => code)).toBe('SE001')
  })

  test('is unique within its channel only', async () => {
    expect(await log.append([keyed('a', 'k'), keyed('b', 'k')])).toEqual([1, 2])
  })

  test('is accepted twice in one call, between other events', async () => {
    await log.append([keyed('a', 'old')])
    const positions = await log.append([
      keyed('a', 'new', '"first"'),
      keyed('a', null),
      keyed('a', 'old'),
      keyed('a', 'new', '"first"'),
      keyed('a', null),
    ])
    expect(positions).toEqual([2, 3, 1, 2, 4])
    const { events } = await log.read({ after: 1, limit: 10 })
    expect(events.map(({ position, data }) => [position, data])).toEqual([
      [2, '"first"'],
      [3, '1'],
      [4, '1'],
    ])
  })

  test('that is used by many calls at once is appended once', async () => {
    const results = await Promise.all(
      Array.from({ length: 30 }, () => log.append([keyed('a', 'same'), keyed('a', null)])),
    )
    expect(new Set(results.map(([first]) => first)).size).toBe(1)
    const { events, head } = await log.read({ after: 0, limit: 100 })
    expect(head).toBe(31)
    expect(events).toHaveLength(31)
  })
})

describe('reading the log', () => {
  test('returns the next position as the oldest one while the log is empty', async () => {
    expect(await log.read({ after: 0, limit: 10 })).toMatchObject({
      events: [],
      cursor: 0,
      oldest: 1,
      head: 0,
      timeAtCursor: null,
      gap: undefined,
    })
  })

  test('continues from page to page by the cursor', async () => {
    await log.append(Array.from({ length: 25 }, (_, index) => event('a', String(index))))
    const seen: number[] = []
    let after = 0
    for (let pages = 0; after < 25; pages++) {
      const page = await log.read({ after, limit: 10 })
      seen.push(...page.events.map(({ position }) => position))
      after = page.cursor
      expect(pages).toBeLessThan(3)
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => index + 1))
  })

  test('returns only matching events, with a cursor behind those that do not match', async () => {
    await log.append([event('orders.a.1'), event('tasks.a.1'), event('orders.b.2'), event('orders.a'), event('x+y')])
    const positions = async (...patterns: string[]) =>
      (await log.read({ after: 0, limit: 10, patterns })).events.map(({ position }) => position)
    expect(await positions('orders.>')).toEqual([1, 3, 4])
    expect(await positions('orders.*.1', 'tasks.a.1')).toEqual([1, 2])
    expect(await positions('x+y')).toEqual([5])
    expect(await positions('>')).toEqual([1, 2, 3, 4, 5])
    expect(await log.read({ after: 0, limit: 10, patterns: ['nobody'] })).toMatchObject({ events: [], cursor: 5 })
  })

  test('ends a page after a few MiB, so that large events do not fill the memory', async () => {
    const large = JSON.stringify('x'.repeat(2 ** 20))
    for (let round = 0; round < 3; round++) await log.append(Array.from({ length: 3 }, () => event('a', large)))
    const page = await log.read({ after: 0, limit: 100 })
    expect(page.events.length).toBeLessThan(9)
    expect(page.cursor).toBe(page.events.length)
  })

  test('returns the oldest position after events were purged', async () => {
    await log.append([event('a'), event('a'), event('a')])
    await database.sql`delete from sse.log where position < 3`
    expect(await log.read({ after: 0, limit: 10 })).toMatchObject({
      oldest: 3,
      head: 3,
      cursor: 3,
      events: [{ position: 3 }],
    })
    expect(await log.bounds()).toMatchObject({ oldest: 3, head: 3 })
  })
})
