import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { EPOCH_PATTERN } from '../protocol/cursor.ts'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { appendTo } from '../testing/resume.ts'
import { createLog, type EventLog } from './log.ts'

// Epochs in SQL. What clients get of them is in verification/restore.pg.test.ts.

let database: TestDatabase
let log: EventLog
beforeAll(async () => {
  database = await createDatabase()
  log = createLog(directly(database.sql))
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.sql`delete from sse.log`
  await database.sql`delete from sse.head`
  await database.sql`delete from sse.epochs`
  await database.sql`insert into sse.head (partitioned_through) values (1000000)`
})

const epoch = async () => (await log.bounds()).epoch
const sharedThrough = async (earlier: string) => (await log.bounds(earlier)).sharedThrough
/** As if the log had been copied to another server. */
const move = () => database.sql`update sse.head set incarnation = 'elsewhere'`

test('an epoch is six random characters', async () => {
  expect(await epoch()).toMatch(/^[0-9a-z]{6}$/)
  expect(await epoch()).toMatch(new RegExp(`^${EPOCH_PATTERN}$`))
})

describe('the first append in another incarnation', () => {
  test.each([false, true])('starts an epoch that shares what was there before, with keys: %p', async (hasKeys) => {
    await appendTo(database.sql, 3)
    const before = await epoch()
    await move()
    const event = { channel: 'c', type: 't', data: '1', origin: null, key: hasKeys ? crypto.randomUUID() : null }
    await log.append([event, { ...event, key: null }])
    expect(await epoch()).not.toBe(before)
    expect(await log.bounds(before)).toMatchObject({ head: 5, sharedThrough: 3, isCurrent: true })
  })

  test('starts one epoch only', async () => {
    await move()
    await Promise.all(Array.from({ length: 5 }, () => appendTo(database.sql, 1)))
    await log.renewEpoch()
    expect(await database.sql`select from sse.epochs`).toHaveLength(1)
  })

  test('that is rolled back starts none', async () => {
    const before = await epoch()
    await move()
    await database.sql
      .begin(async (transaction) => {
        await transaction`select sse.append('{c}', '{t}', array['1'::json], '{null}', null)`
        throw new Error('roll back')
      })
      .catch(() => {})
    expect(await log.bounds()).toMatchObject({ epoch: before, isCurrent: false, head: 0 })
  })
})

describe('renewing the epoch', () => {
  test('happens once, however many instances find it out', async () => {
    await appendTo(database.sql, 2)
    const before = await epoch()
    await move()
    expect((await log.bounds()).isCurrent).toBe(false)
    await Promise.all(Array.from({ length: 5 }, () => log.renewEpoch()))
    expect(await database.sql`select from sse.epochs`).toHaveLength(1)
    expect(await log.bounds(before)).toMatchObject({ sharedThrough: 2, isCurrent: true })
  })

  test('changes nothing while the log is where it was', async () => {
    const before = await epoch()
    await log.renewEpoch()
    expect(await epoch()).toBe(before)
  })
})

test('discarding the epoch happens once, and leaves no earlier cursor valid', async () => {
  await appendTo(database.sql, 2)
  const first = await epoch()
  await move()
  await log.renewEpoch()
  const second = await epoch()
  await Promise.all(Array.from({ length: 5 }, () => log.discardEpoch(second)))
  expect([await sharedThrough(first), await sharedThrough(second)]).toEqual([0, 0])
  expect(await database.sql`select from sse.epochs`).toHaveLength(2)
})

describe('a head that is changed by hand', () => {
  test('and set back starts an epoch, and no earlier one shares more than what is left', async () => {
    await appendTo(database.sql, 5)
    const first = await epoch()
    await move()
    await appendTo(database.sql, 5)
    const second = await epoch()
    await database.sql`update sse.head set position = 3`
    expect(await epoch()).not.toBe(second)
    expect([await sharedThrough(first), await sharedThrough(second)]).toEqual([3, 3])
  })

  test('in a session of a replica, too', async () => {
    await appendTo(database.sql, 5)
    const before = await epoch()
    await database.sql.begin(async (transaction) => {
      await transaction`set local session_replication_role = replica`
      await transaction`update sse.head set position = 3`
    })
    expect(await epoch()).not.toBe(before)
    expect(await sharedThrough(before)).toBe(3)
  })

  test('and moved forward is of the same epoch', async () => {
    const before = await epoch()
    await database.sql`update sse.head set position = 3`
    expect(await epoch()).toBe(before)
  })

  test('and deleted and inserted again knows no cursor of before', async () => {
    await appendTo(database.sql, 5)
    const before = await epoch()
    await database.sql`delete from sse.head`
    await database.sql`insert into sse.head (position) values (5)`
    expect(await sharedThrough(before)).toBeNull()
  })

  test('and inserted from a copy shares what the copy has with the epoch in it', async () => {
    await appendTo(database.sql, 5)
    const before = await epoch()
    await database.sql`delete from sse.head`
    await database.sql`insert into sse.head (position, epoch, incarnation) values (4, ${before}, 'elsewhere')`
    expect(await log.bounds(before)).toMatchObject({ sharedThrough: 4, isCurrent: true })
    expect(await epoch()).not.toBe(before)
  })
})

test.each([null, 'k'])(
  'nothing is appended, and the outbox keeps its events, while sse.head is empty (key %p)',
  async (key) => {
    await database.sql`delete from sse.head`
    await database.sql`select sse.publish('c', 't', '1', key => ${key})`
    const event = { channel: 'c', type: 't', data: '1', origin: null, key }
    for (const attempt of [() => log.append([event]), () => log.relay(100)]) {
      expect(await attempt().catch((error) => error)).toMatchObject({
        code: 'SE002',
        hint: expect.stringContaining('backup'),
      })
    }
    await database.sql`insert into sse.head (partitioned_through) values (1000000)`
    expect([await log.relay(100), (await log.bounds()).head]).toEqual([1, 1])
  },
)

test('the latest thousand epochs are remembered', async () => {
  await database.sql`
    insert into sse.epochs (epoch, shared_through, ended_at)
    select 'old' || n, 0, clock_timestamp() - make_interval(secs => n) from generate_series(1, 1005) n`
  await move()
  await log.renewEpoch()
  expect(await database.sql`select from sse.epochs`).toHaveLength(1000)
  expect([await sharedThrough('old999'), await sharedThrough('old1000')]).toEqual([0, null])
})

test('a restart of the server, a database made of a template and a rewritten table have another incarnation', async () => {
  const [row] = await database.sql<{ incarnation: string; started: string; file: string }[]>`
    select sse.incarnation() as incarnation, extract(epoch from pg_postmaster_start_time())::text as started,
           pg_relation_filepath('sse.head') as file`
  expect(row?.incarnation).toMatch(new RegExp(`^${row?.started} ${row?.file}$`))
})

test('the position of a time is found in one query', async () => {
  await appendTo(database.sql, 10)
  await database.sql`update sse.log set time = timestamptz '2026-01-01' + make_interval(hours => position::int)`
  const at = async (time: string) => (await database.sql`select sse.position_at(${time}::timestamptz) as at`)[0]?.at
  expect([await at('2025-01-01'), await at('2026-01-01 05:00'), await at('2026-01-01 05:01')]).toEqual([1, 5, 6])
  expect(await at('2027-01-01')).toBe(11)
})
