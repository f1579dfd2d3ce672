import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { createLog, type EventLog } from './log.ts'

let database: TestDatabase
let log: EventLog
beforeAll(async () => {
  database = await createDatabase()
  log = createLog(directly(database.sql))
})
afterAll(() => database[Symbol.asyncDispose]())

const newest = async (count: number) => {
  const { head } = await log.bounds()
  return (await log.read({ after: head - count, limit: count })).events
}

describe('sse.publish_text', () => {
  test('publishes a text as a JSON string, with an origin and an idempotency key by name', async () => {
    const text = ' <li class="a">\\ \r\n\ttwo\u0001 🦊\ufeff</li>\n'
    await database.sql`select sse.publish_text('a.b', 'message', ${text}, key => 'text', origin => 'page-1')`
    await database.sql`select sse.publish_text('a.b', 't', 'other', key => 'text')`
    await database.sql`select sse.publish_text('a.b', 't', '')`
    await log.relay(100)
    const events = await newest(2)
    expect(events).toMatchObject([{ type: 'message', origin: 'page-1' }, { type: 't' }])
    expect(events.map(({ data }) => JSON.parse(data))).toEqual([text, ''])
  })

  test.each([
    [`select sse.publish_text('a b', 't', 'x')`, 'channel'],
    [`select sse.publish_text('sse.a', 't', 'x')`, 'reserved'],
    [`select sse.publish_text('a', 'gap', 'x')`, 'reserved'],
    [`select sse.publish_text('a', null, 'x')`, 'type'],
    [`select sse.publish_text('a', 't', null)`, 'null'],
    [`select sse.publish_text('a', 't', repeat('x', 1048575))`, 'bytes'],
    [`select sse.publish_text('a', 't', repeat(E'\n', 524288))`, 'bytes'],
    [`select sse.publish_text('a', 't', 'x', key => '')`, 'key'],
    [`select sse.publish_text('a', 't', 'x', origin => E'x\ny')`, 'origin'],
  ])('refuses %p with a reason, and publishes nothing', async (statement, reason) => {
    const error = await database.sql.unsafe(statement).catch((caught) => caught)
    expect(error.message).toContain(reason)
    expect(await log.relay(100)).toBe(0)
  })
})

describe('sse.publish', () => {
  test('accepts data as text, json and jsonb', async () => {
    await database.sql`select sse.publish('a.b', 't', '{"n": 1}')`
    await database.sql`select sse.publish('a.b', 't', '{"n":  2}'::json)`
    await database.sql`select sse.publish('a.b', 't', jsonb_build_object('n', 3))`
    await database.sql`select sse.publish('a.b', 't')`
    expect(await log.relay(100)).toBe(4)
    expect((await newest(4)).map(({ data }) => data)).toEqual(['{"n": 1}', '{"n":  2}', '{"n": 3}', 'null'])
  })

  test('accepts an origin and an idempotency key by name', async () => {
    await database.sql`select sse.publish('a.b', 't', '1', key => 'k', origin => 'page-1')`
    await database.sql`select sse.publish('a.b', 't', '2', key => 'k')`
    await log.relay(100)
    expect(await newest(1)).toMatchObject([{ data: '1', origin: 'page-1' }])
  })

  test.each([
    [`select sse.publish('a b', 't', '1')`, 'channel'],
    [`select sse.publish('a..b', 't', '1')`, 'channel'],
    [`select sse.publish('', 't', '1')`, 'channel'],
    [`select sse.publish(null, 't', '1')`, 'channel'],
    [`select sse.publish('a.*', 't', '1')`, 'channel'],
    [`select sse.publish('a', e't\\n', '1')`, 'type'],
    [`select sse.publish('a', 'heartbeat', '1')`, 'reserved'],
    [`select sse.publish('a', 't', '{')`, 'json'],
    [`select sse.publish('a', 't', to_json(repeat('x', 1048577)))`, 'bytes'],
    [`select sse.publish('a', 't', '1', key => '')`, 'key'],
    [`select sse.publish('a', 't', '1', origin => e'x\\ny')`, 'origin'],
  ])('refuses %p with a reason, and publishes nothing', async (statement, reason) => {
    const error = await database.sql.unsafe(statement).catch((caught) => caught)
    expect(error.message).toContain(reason)
    expect(await log.relay(100)).toBe(0)
  })

  test('accepts and refuses the same as the check of each argument by itself, with the same error', async () => {
    const parts = ['a', 'a.b', 'sse', 'ssea', '.', ' ', '*', '>', '\n', '=', '\u001b', '\u0085', '\u2028', '🦊', '']
    const text = fc.oneof(
      fc.array(fc.constantFrom(...parts), { maxLength: 4 }).map((chosen) => chosen.join('')),
      fc.constantFrom(null, 'gap', 'x\ny\n=z', 'é'.repeat(255), 'x'.repeat(256), 'a'.repeat(17).split('').join('.')),
    )
    const publish = (name: string, values: (string | null)[]) =>
      database.sql.unsafe(`select sse.${name}($1, $2, $3, $4, $5)`, values).then(
        () => 'published',
        (error) => error.message,
      )
    const data = fc.constantFrom('1', '{', null)
    await fc.assert(
      fc.asyncProperty(fc.tuple(text, text, data, text, text), async (values) => {
        expect(await publish('publish', values)).toBe(await publish('publish_checked', values))
      }),
      { numRuns: 2000 },
    )
    await database.sql`truncate sse.outbox`
  })

  test('is, with sse.publish_text, the only function that a role with usage on the schema may call', async () => {
    await database.sql`create role publisher_${database.sql.unsafe(String(process.pid))}`
    const role = `publisher_${process.pid}`
    try {
      await database.sql.unsafe(`grant usage on schema sse to ${role}`)
      const as = (statement: string) =>
        database.sql.begin(async (transaction) => {
          await transaction.unsafe(`set local role ${role}`)
          await transaction.unsafe(statement)
        })
      await as(`select sse.publish('a', 't', '1')`)
      await as(`select sse.publish_text('a', 't', 'x')`)
      expect(await log.relay(100)).toBe(2)
      for (const statement of [
        `insert into sse.outbox (channel, type, data) values ('a', 't', '1')`,
        'select sse.relay(1)',
        'select * from sse.log',
      ]) {
        expect(await as(statement).catch((error) => error.code)).toBe('42501')
      }
    } finally {
      await database.sql.unsafe(`drop owned by ${role}; drop role ${role}`)
    }
  })
})

describe('moving the outbox into the log', () => {
  test('keeps the order of a transaction, in batches', async () => {
    await database.sql`select sse.publish('order.' || n, 't', to_json(n)) from generate_series(1, 25) n`
    expect(await log.relay(10)).toBe(10)
    expect(await log.relay(10)).toBe(10)
    expect(await log.relay(10)).toBe(5)
    expect(await log.relay(10)).toBe(0)
    expect((await newest(25)).map(({ data }) => Number(data))).toEqual(
      Array.from({ length: 25 }, (_, index) => index + 1),
    )
  })

  test('moves all that sse.publish accepted, however deep it is nested', async () => {
    // The deepest that Postgres parses is found by halves.
    let deepest = 1
    for (let depth = 2 ** 17; depth >= 1; depth /= 2) {
      const data = `${'['.repeat(deepest + depth)}${']'.repeat(deepest + depth)}`
      const taken = await database.sql`select sse.publish('deep', 't', ${data})`.then(() => true).catch(() => false)
      if (taken) deepest += depth
    }
    await database.sql`select sse.publish('after', 't', '1')`
    while ((await log.relay(10)) !== 0);
    expect(await newest(1)).toMatchObject([{ channel: 'after' }])
    const [row] = await database.sql`select count(*)::int as count from sse.outbox`
    expect(row).toEqual({ count: 0 })
  })

  test('ends a batch after a few MiB', async () => {
    await database.sql`select sse.publish('big', 't', to_json(repeat('x', 1000000))) from generate_series(1, 12)`
    const moved: (number | null)[] = []
    for (let count: number | null = 1; count; moved.push(count)) count = await log.relay(100)
    expect(moved.reduce((sum: number, count) => sum + (count ?? 0), 0)).toBe(12)
    expect(moved.length).toBeGreaterThan(2)
  })

  test('is done by one caller at a time; the others receive null', async () => {
    await database.sql`select sse.publish('a', 't', '1')`
    await database.sql.begin(async (transaction) => {
      expect(await createLog(directly(transaction)).relay(10)).toBe(1)
      expect(await log.relay(10)).toBeNull()
    })
    expect(await log.relay(10)).toBe(0)
  })

  test('does not wait for an open transaction, and moves its events after it has committed', async () => {
    const opened = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const slow = database.sql.begin(async (transaction) => {
      await transaction`select sse.publish('slow', 't', '"slow"')`
      opened.resolve()
      await release.promise
    })
    await opened.promise
    await database.sql`select sse.publish('quick', 't', '"quick"')`
    expect(await log.relay(10)).toBe(1)
    expect(await newest(1)).toMatchObject([{ channel: 'quick' }])
    release.resolve()
    await slow
    expect(await log.relay(10)).toBe(1)
    expect(await newest(1)).toMatchObject([{ channel: 'slow' }])
  })
})
