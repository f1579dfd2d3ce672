import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { NewEvent } from '../protocol/event.ts'
import { SILENT } from '../telemetry/telemetry.ts'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { createLog, type EventLog } from './log.ts'
import { Publisher } from './publisher.ts'

let database: TestDatabase
let log: EventLog
beforeAll(async () => {
  database = await createDatabase()
  log = createLog(directly(database.sql))
})
afterAll(() => database[Symbol.asyncDispose]())

const event = (type = 't', data = '1'): NewEvent => ({ channel: 'c', type, data, origin: null, key: null })

/** A publisher on the real log that counts its transactions. */
function createPublisher() {
  const commits: number[] = []
  let transactions = 0
  const append = (events: readonly NewEvent[]) => {
    transactions++
    return log.append(events)
  }
  const publisher = new Publisher({
    log: { append },
    onCommit: (position) => commits.push(position),
    telemetry: SILENT,
  })
  return { publisher, commits, transactions: () => transactions }
}

describe('group commit of publish requests', () => {
  test('puts requests that arrive at once into one transaction, and returns to each its own positions', async () => {
    const { publisher, commits, transactions } = createPublisher()
    const { head } = await log.bounds()
    const results = await Promise.all([
      publisher.publish([event(), event()]),
      publisher.publish([event()]),
      publisher.publish([event(), event()]),
    ])
    expect(results.map((positions) => positions.map((position) => position - head))).toEqual([[1, 2], [3], [4, 5]])
    expect(transactions()).toBe(1)
    expect(commits).toEqual([head + 5])
  })

  test('puts requests that arrive during a transaction into the next one', async () => {
    const { publisher, transactions } = createPublisher()
    const first = publisher.publish([event()])
    await Promise.resolve()
    await Promise.resolve()
    const later = Array.from({ length: 500 }, () => publisher.publish([event()]))
    await Promise.all([first, ...later])
    expect(transactions()).toBe(2)
  })

  test('bounds the size of a transaction', async () => {
    const { publisher, transactions } = createPublisher()
    const large = event('t', JSON.stringify('x'.repeat(2 ** 20)))
    const results = await Promise.all(Array.from({ length: 9 }, () => publisher.publish([large])))
    expect(results.flat()).toHaveLength(9)
    expect(transactions()).toBeGreaterThanOrEqual(3)
  })

  test('is drained when every request has its result', async () => {
    const { publisher } = createPublisher()
    let answered = 0
    for (let index = 0; index < 10; index++) void publisher.publish([event()]).then(() => answered++)
    await publisher.drain()
    expect(answered).toBe(10)
  })
})

test('a request that Postgres refuses does not affect those in the same transaction', async () => {
  await database.sql`alter table sse.log add constraint no_poison check (type <> 'poison')`
  const { publisher } = createPublisher()
  const { head } = await log.bounds()
  const results = await Promise.allSettled([
    publisher.publish([event()]),
    publisher.publish([event(), event('poison')]),
    publisher.publish([event()]),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(
    (await log.read({ after: head, limit: 10 })).events.map(({ position, type }) => [position - head, type]),
  ).toEqual([
    [1, 't'],
    [2, 't'],
  ])
})

describe('requests whose keys were used for other events', () => {
  const keyed = (key: string | null, data: string) => ({ ...event('t', data), key })
  const codesOf = (results: PromiseSettledResult<unknown>[]) =>
    results.map((result) => (result.status === 'fulfilled' ? 'published' : result.reason.code))

  test('are refused with the index of the event, and do not affect those in the same transaction', async () => {
    const { publisher } = createPublisher()
    await publisher.publish([keyed('once', '1')])
    const { head } = await log.bounds()
    const results = await Promise.allSettled([
      publisher.publish([keyed('once', '1')]),
      publisher.publish([keyed(null, '2'), keyed('once', '2')]),
      publisher.publish([keyed('twice', '3'), keyed('twice', '4')]),
      publisher.publish([keyed('twice', '5')]),
      publisher.publish([keyed('twice', '6')]),
    ])
    expect(codesOf(results)).toEqual(['published', 'key.reused', 'key.reused', 'published', 'key.reused'])
    const [, batch] = results as PromiseRejectedResult[]
    expect(batch?.reason).toMatchObject({ status: 422, extensions: { event: 1 } })
    expect((await log.read({ after: head, limit: 10 })).events.map(({ data }) => data)).toEqual(['5'])
  })

  test('do not turn group commit off, however many there are', async () => {
    const { publisher, transactions } = createPublisher()
    await publisher.publish([keyed('flood', '0')])
    const results = await Promise.allSettled(
      Array.from({ length: 500 }, (_, index) =>
        publisher.publish([
          index % 2 === 0 ? event() : keyed(index % 4 === 1 ? 'flood' : 'among themselves', `${index}`),
        ]),
      ),
    )
    const codes = codesOf(results)
    expect(codes.filter((code) => code === 'published')).toHaveLength(251)
    expect(codes.filter((code) => code === 'key.reused')).toHaveLength(249)
    expect(transactions()).toBe(3)
  })
})

test('events that are nested too deeply for Postgres do not turn group commit off, however many there are', async () => {
  const { publisher, transactions } = createPublisher()
  const deep = `${'['.repeat(25_000)}${']'.repeat(25_000)}`
  const results = await Promise.allSettled(
    Array.from({ length: 60 }, (_, index) => publisher.publish([event('t', index % 2 === 0 ? '1' : deep)])),
  )
  const codes = results.map((result) => (result.status === 'fulfilled' ? 'published' : result.reason.code))
  expect(codes).toEqual(results.map((_, index) => (index % 2 === 0 ? 'published' : 'data.too_deep')))
  expect(transactions()).toBe(2)
})

test('one event that Postgres refuses is found among many by bisection', async () => {
  const { publisher, transactions } = createPublisher()
  const results = await Promise.allSettled(
    Array.from({ length: 256 }, (_, index) => publisher.publish([event(index === 100 ? 'poison' : 't')])),
  )
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  expect(transactions()).toBeLessThan(20)
})

describe('a publish request fails', () => {
  const failingWith = (code: string) =>
    new Publisher({
      log: { append: () => Promise.reject(Object.assign(new Error(code), { code })) },
      onCommit: () => {},
      telemetry: SILENT,
    })

  test.each(['ECONNREFUSED', 'CONNECT_TIMEOUT', '57P03'])(
    'with database.unavailable when Postgres was never reached (%s): nothing was published',
    async (code) => {
      const error = await failingWith(code)
        .publish([event()])
        .catch((caught) => caught)
      expect(error).toMatchObject({ code: 'database.unavailable', status: 503, retryAfter: 2 })
    },
  )

  test.each(['CONNECTION_CLOSED', 'ECONNRESET', '57P01'])(
    'with publish.unknown when the connection died during the commit (%s)',
    async (code) => {
      const error = await failingWith(code)
        .publish([event()])
        .catch((caught) => caught)
      expect(error).toMatchObject({ code: 'publish.unknown', status: 503 })
    },
  )

  test('as a failure of the server, and not with publish.unknown, when sse.head is empty: nothing was published', async () => {
    const error = await failingWith('SE002')
      .publish([event()])
      .catch((caught) => caught)
    expect(error).toMatchObject({ code: 'SE002' })
  })

  test('with data.too_deep when the data is nested too deeply for Postgres', async () => {
    expect(
      await failingWith('54001')
        .publish([event()])
        .catch((caught) => caught),
    ).toMatchObject({ code: 'data.too_deep', status: 400 })
  })
})
