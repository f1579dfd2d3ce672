import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { MINUTE } from '../platform/time.ts'
import type { NewEvent } from '../protocol/event.ts'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { openStream, publish } from '../testing/stream-reader.ts'
import { until } from '../testing/until.ts'
import { createLog, type EventLog } from './log.ts'

const HOUR = 60 * MINUTE

let database: TestDatabase
let log: EventLog
beforeAll(async () => {
  database = await createDatabase()
  log = createLog(directly(database.sql))
})
afterAll(() => database[Symbol.asyncDispose]())

// Partitions of a hundred events each.
beforeEach(async () => {
  for (const { name } of await partitions()) await database.sql.unsafe(`drop table sse.${name}`)
  await database.sql`update sse.head set position = 0, partitioned_through = 0, partition_size = 100`
})

const partitions = () =>
  database.sql<{ name: string; first: number; last: number }[]>`select * from sse.partition order by first`
const append = (count: number, key: string | null = null) =>
  log.append(Array.from({ length: count }, (): NewEvent => ({ channel: 'c', type: 't', data: '1', origin: null, key })))
const age = (through: number, interval: string) =>
  database.sql`update sse.log set time = time - ${interval}::interval where position <= ${through}`
const purgeAll = async (limits: Parameters<EventLog['purge']>[0]) => {
  let total = 0
  for (let purged: number | null = 1; purged; total += purged ?? 0) purged = await log.purge(limits)
  return total
}

describe('partitions of the log', () => {
  test('are created before the first event that belongs into them', async () => {
    for (let times = 0; times < 7; times++) await append(40)
    const { oldest, head } = await log.bounds()
    expect([oldest, head]).toEqual([1, 280])
    expect((await partitions()).map(({ first, last }) => [first, last]).slice(0, 3)).toEqual([
      [1, 100],
      [101, 200],
      [201, 300],
    ])
  })
})

describe('retention by age', () => {
  test('drops whole partitions, and keeps young events', async () => {
    await append(250)
    await age(200, '2 hours')
    expect(await purgeAll({ maxAge: HOUR, maxEvents: null })).toBe(200)
    expect(await log.bounds()).toMatchObject({ oldest: 201, head: 250 })
    expect((await partitions())[0]?.first).toBe(201)
  })

  test('deletes the oldest events of a partition that would take long to expire as a whole', async () => {
    await append(50)
    await age(20, '2 hours')
    expect(await purgeAll({ maxAge: HOUR, maxEvents: null })).toBe(20)
    expect(await log.bounds()).toMatchObject({ oldest: 21, head: 50 })
  })

  test('waits with a partition that will soon have expired as a whole', async () => {
    await append(50)
    await age(20, '70 minutes')
    expect(await purgeAll({ maxAge: HOUR, maxEvents: null })).toBe(0)
  })

  test('drops all events when all are old, and positions continue', async () => {
    await append(150)
    await age(150, '2 hours')
    await purgeAll({ maxAge: HOUR, maxEvents: null })
    expect(await log.bounds()).toMatchObject({ oldest: 151, head: 150 })
    expect(await append(1)).toEqual([151])
  })
})

describe('retention by number', () => {
  test('keeps the newest events, and at most a partition more', async () => {
    await append(1000)
    await purgeAll({ maxAge: null, maxEvents: 250 })
    expect(await log.bounds()).toMatchObject({ oldest: 701, head: 1000 })
  })

  test('keeps exactly the configured number when it is less than a partition', async () => {
    await append(350)
    await purgeAll({ maxAge: null, maxEvents: 10 })
    expect(await log.bounds()).toMatchObject({ oldest: 341, head: 350 })
  })
})

test('times in the log never decrease, so that a clock that was behind makes no young event old', async () => {
  await append(50)
  // The clock was three hours ahead for a moment.
  await database.sql`update sse.head set time = clock_timestamp() + interval '3 hours'`
  await append(1)
  await append(50)
  const [row] = await database.sql<{ backwards: number }[]>`
    select count(*)::int as backwards from (select time < lag(time) over (order by position) as is_back from sse.log) l where is_back`
  expect(row).toEqual({ backwards: 0 })
  expect(await purgeAll({ maxAge: HOUR, maxEvents: null })).toBe(0)
  await database.sql`update sse.head set time = clock_timestamp()`
})

test('retention creates partitions ahead of the head', async () => {
  await append(60)
  const before = (await partitions()).length
  await database.sql`update sse.head set position = partitioned_through - 10`
  await log.preparePartitions()
  expect((await partitions()).length).toBeGreaterThan(before)
  await database.sql`update sse.head set position = 60`
})

test('an idempotency key is kept as long as its event', async () => {
  await append(1, 'k')
  await append(150)
  expect(await append(1, 'k')).toEqual([1])
  await purgeAll({ maxAge: null, maxEvents: 10 })
  expect(await append(1, 'k')).toEqual([152])
})

test('retention is done by one instance at a time', async () => {
  await append(300)
  await database.sql.begin(async (transaction) => {
    expect(await createLog(directly(transaction)).purge({ maxAge: null, maxEvents: 100 })).toBe(100)
    expect(await log.purge({ maxAge: null, maxEvents: 100 })).toBeNull()
  })
})

test('retention does not wait for a long read of the log, and blocks no other session behind it', async () => {
  await append(300)
  const reading = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const slow = database.sql.begin(async (transaction) => {
    await transaction`select count(*) from sse.log`
    reading.resolve()
    await release.promise
  })
  await reading.promise
  expect(await log.purge({ maxAge: null, maxEvents: 100 })).toBe(0)
  expect(await append(1)).toEqual([301])
  release.resolve()
  await slow
  expect(await purgeAll({ maxAge: null, maxEvents: 100 })).toBe(200)
})

test('an instance purges expired events, and sends a gap to a client whose cursor is older', async () => {
  await using instance = await startInstance(database.url, {
    RETENTION_EVENTS: '120',
    RETENTION_INTERVAL_MS: '20',
    POLL_INTERVAL_MS: '20',
    WINDOW_BYTES: '0',
  })
  await publish(
    instance.url,
    Array.from({ length: 300 }, (_, data) => ({ channel: 'c', type: 't', data })),
  )
  await until(
    'retention has dropped 100 positions',
    () => log.bounds(),
    ({ oldest }) => oldest >= 101,
  )
  await using reader = await openStream(instance.url, ['c'], { 'last-event-id': '5' })
  await reader.untilEvents(200)
  expect(reader.frames[1]).toMatchObject({
    event: 'gap',
    id: expect.stringMatching(/^100-/),
    data: '{"from":5,"to":100,"reason":"purged"}',
  })
  expect(reader.events[0]?.position).toBe(101)
  const history = await fetch(`${instance.url}/events?after=5&limit=1`, { headers: { accept: 'application/json' } })
  expect(await history.json()).toMatchObject({
    gap: { from: 5, to: 100, reason: 'purged' },
    events: [{ position: 101 }],
    oldest: 101,
  })
})
