import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { matches, parsePattern } from '../protocol/channel.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { createRole, type TestRole } from '../testing/role.ts'

let database: TestDatabase
let billing: TestRole
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  billing = await createRole(database)
})
afterEach(async () => {
  await billing[Symbol.asyncDispose]()
  await database.sql`delete from sse.publish_grants`
})

const allow = (role: string, pattern: string) => database.sql`select sse.allow_publish(${role}, ${pattern})`
const disallow = (role: string, pattern: string) => database.sql`select sse.disallow_publish(${role}, ${pattern})`

/** Publishes as a role. @returns `published`, or the SQLSTATE */
const publishAs = ({ sql }: Pick<TestRole, 'sql'>, channel: string): Promise<string> =>
  sql`select sse.publish(${channel}, 't')`.then(
    () => 'published',
    (error) => error.code,
  )

describe('a role', () => {
  test('without patterns publishes to all channels', async () => {
    await using other = await createRole(database)
    await allow(other.name, 'chat.>')
    expect(await publishAs(billing, 'orders.1')).toBe('published')
  })

  test('with patterns publishes within them, and gets an error with the channel and what to do elsewhere', async () => {
    await allow(billing.name, 'orders.*.paid')
    await allow(billing.name, 'invoices.>')
    for (const channel of ['orders.1.paid', 'invoices.1', 'invoices.1.2']) {
      expect(await publishAs(billing, channel)).toBe('published')
    }
    for (const channel of ['orders.1', 'orders.1.2.paid', 'invoices', 'chat', 'Invoices.1']) {
      expect(await publishAs(billing, channel)).toBe('42501')
    }
    const error = await billing.sql`select sse.publish('chat', 't')`.catch((thrown) => thrown)
    expect(error.message).toBe(`role ${billing.name} may not publish to channel 'chat'`)
    expect(error.hint).toContain(`sse.allow_publish('${billing.name}', 'chat')`)
  })

  test('is bound in each form of sse.publish, and whatever role it has set', async () => {
    await allow(billing.name, 'orders.>')
    await database.sql.unsafe(`create role ${billing.name}_group; grant ${billing.name}_group to ${billing.name};
      grant usage on schema sse to ${billing.name}_group`)
    await billing.sql.unsafe(`set role ${billing.name}_group`)
    for (const data of [`'{}'::text`, `'{}'::json`, `'{}'::jsonb`]) {
      const code = await billing.sql.unsafe(`select sse.publish('chat', 't', ${data})`).catch((error) => error.code)
      expect(code).toBe('42501')
    }
    expect(await billing.sql`select sse.publish_text('chat', 't', 'x')`.catch((error) => error.code)).toBe('42501')
    await billing.sql`select sse.publish_text('orders.1', 't', 'x')`
    await billing.sql`reset role`
    await database.sql.unsafe(`drop owned by ${billing.name}_group; drop role ${billing.name}_group`)
  })

  test('is free again when its last pattern was taken', async () => {
    await allow(billing.name, 'orders.>')
    await allow(billing.name, 'orders.>')
    expect(await publishAs(billing, 'chat')).toBe('42501')
    expect((await disallow(billing.name, 'orders.>'))[0]).toEqual({ disallow_publish: true })
    expect((await disallow(billing.name, 'orders.>'))[0]).toEqual({ disallow_publish: false })
    expect(await publishAs(billing, 'chat')).toBe('published')
  })

  test('may do what all roles may, besides its own', async () => {
    await allow('*', 'chat.>')
    expect([await publishAs(billing, 'chat.1'), await publishAs(billing, 'orders.1')]).toEqual(['published', '42501'])
    await allow(billing.name, 'orders.>')
    expect([await publishAs(billing, 'chat.1'), await publishAs(billing, 'orders.1')]).toEqual([
      'published',
      'published',
    ])
  })

  test('that may act as the owner, and a superuser, are not bound', async () => {
    await allow('*', 'chat.>')
    expect(await publishAs(database, 'orders.1')).toBe('published')
    await database.sql.unsafe(`alter role ${billing.name} superuser`)
    expect(await publishAs(billing, 'orders.1')).toBe('published')
    await database.sql.unsafe(`alter role ${billing.name} nosuperuser`)
    expect(await publishAs(billing, 'orders.1')).toBe('42501')
  })

  test('can neither see nor change who may publish what', async () => {
    for (const statement of [
      'select * from sse.publish_grants',
      'delete from sse.publish_grants',
      `select sse.allow_publish('${billing.name}', '>')`,
      `select sse.disallow_publish('${billing.name}', '>')`,
      `select sse.check_publish('postgres', 'a')`,
    ]) {
      expect(await billing.sql.unsafe(statement).catch((error) => error.code)).toBe('42501')
    }
  })
})

test('patterns are given to roles that exist, and are valid', async () => {
  const codeOf = (call: PromiseLike<unknown>) =>
    Promise.resolve(call).then(
      () => 'done',
      (error) => error.code,
    )
  expect(await codeOf(allow('nobody_has_this_name', 'a'))).toBe('42704')
  for (const pattern of ['', 'a..b', '>.a', 'a b', 'a*', '.', 'a.', Array(17).fill('a').join('.'), 'x'.repeat(256)]) {
    expect(await codeOf(allow(billing.name, pattern))).toBe('22023')
  }
  expect(await codeOf(database.sql`select sse.allow_publish(${billing.name}, null)`)).toBe('22023')
})

const token = fc.constantFrom('a', 'b', '*', '>', '', 'a*', ' ', '\u0085', 'ä', '%', '_', '.')
const patternText = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'))
const channel = fc
  .array(fc.constantFrom('a', 'b', 'ä', '%', '_'), { minLength: 1, maxLength: 4 })
  .map((tokens) => tokens.join('.'))

test('patterns mean the same in SQL and over HTTP', async () => {
  await fc.assert(
    fc.asyncProperty(patternText, channel, async (pattern, name) => {
      const [row] = await database.sql<{ valid: boolean; matches: boolean }[]>`
        select sse.is_pattern(${pattern}) as valid, sse.matches(${pattern}, ${name}) as matches`
      let isValid = true
      try {
        parsePattern(pattern)
      } catch {
        isValid = false
      }
      expect(row?.valid).toBe(isValid)
      if (isValid) expect(row?.matches).toBe(matches(pattern, name))
    }),
    { numRuns: 500 },
  )
})
