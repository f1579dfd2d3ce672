import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createLog, type EventLog } from '../../log/log.ts'
import { createDatabase, directly, type TestDatabase } from '../../testing/database.ts'
import { holdLock } from '../../testing/held-lock.ts'

let database: TestDatabase
let log: EventLog
beforeAll(async () => {
  database = await createDatabase()
  log = createLog(directly(database.sql))
})
afterAll(() => database[Symbol.asyncDispose]())

const event = (channel: string, data = '1') => ({ channel, type: 't', data, origin: null, key: null })

async function relayAll(): Promise<string[]> {
  const { head } = await log.bounds()
  while (await log.relay(100));
  const { events } = await log.read({ after: head, limit: 1000 })
  return events.map(({ channel, data }) => `${channel} ${data}`)
}

describe('a session that locks one row of the outbox', () => {
  test('delays that channel, in its order, and no other', async () => {
    const { sql } = database
    await sql`select sse.publish('locked', 't', '1'), sse.publish('free', 't', '2'), sse.publish('locked', 't', '3')`
    const lock = await holdLock(sql, `select from sse.outbox where channel = 'locked' and data::text = '1' for update`)
    expect(await relayAll()).toEqual(['free 2'])
    await sql`select sse.publish('free', 't', '4'), sse.publish('locked', 't', '5')`
    expect(await relayAll()).toEqual(['free 4'])
    await lock.release()
    expect(await relayAll()).toEqual(['locked 1', 'locked 3', 'locked 5'])
  }, 10_000)

  test('does not delay other channels, even with more events than fit into a batch', async () => {
    const { sql } = database
    await sql`select sse.publish('busy.' || n % 2, 't', to_json(n)) from generate_series(1, 500) n`
    await sql`select sse.publish('free', 't', '"after all"')`
    const lock = await holdLock(
      sql,
      `select from sse.outbox where id in (select min(id) from sse.outbox group by channel having channel like 'busy.%') for update`,
    )
    expect(await relayAll()).toEqual(['free "after all"'])
    await lock.release()
    expect(await relayAll()).toHaveLength(500)
  }, 10_000)
})

test('an idempotency key that was used for another event does not block the outbox: the first event is kept', async () => {
  await log.append([{ ...event('a', '"first"'), key: 'k' }])
  await database.sql`select sse.publish('a', 't', '"second"', key => 'k'), sse.publish('a', 't', '"next"')`
  await database.sql`select sse.publish('a', 't', '"twice"', key => 'l'), sse.publish('a', 'other', '"thrice"', key => 'l')`
  expect(await relayAll()).toEqual(['a "next"', 'a "twice"'])
})

test('an append that waits for several locks in a row gives up before its request times out', async () => {
  const { head } = await log.bounds()
  const headLock = await holdLock(database.sql, 'select from sse.head for update')
  const logLock = await holdLock(database.sql, 'lock table sse.log in share mode')
  const append = log.append([event('late')]).then(
    () => 'appended',
    (error) => error.code,
  )
  // Of the four seconds that an append waits, in total. A lock timeout is a time: the remaining part can only be measured.
  await Bun.sleep(2500)
  await headLock.release()
  await Promise.race([append, Bun.sleep(3500)])
  await logLock.release()
  expect(await append).toBe('55P03')
  expect((await log.bounds()).head).toBe(head)
}, 15_000)

test('a partition that cannot be created at once does not delay publishers', async () => {
  const { sql } = database
  await sql`update sse.head set partition_size = 2 * (partitioned_through - position) + 2`
  // The lock that CREATE INDEX CONCURRENTLY and ANALYZE take.
  const lock = await holdLock(sql, 'lock table sse.log in share update exclusive mode')
  expect(await log.preparePartitions().catch((error) => error.code)).toBe('55P03')
  expect(await log.append([event('a')])).toHaveLength(1)
  await lock.release()
  await log.preparePartitions()
}, 10_000)
