import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { createRole, type TestRole } from '../../testing/role.ts'

// A role that may publish is trusted with nothing else: usage on schema sse must not lead to the server's role.

let database: TestDatabase
let attacker: TestRole
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())
// In a session of its own, because plpgsql caches the plans of the first call.
beforeEach(async () => {
  attacker = await createRole(database)
})
afterEach(() => attacker[Symbol.asyncDispose]())

const isSuperuser = async () => {
  const [row] = await database.sql<{ rolsuper: boolean }[]>`
    select rolsuper from pg_roles where rolname = ${attacker.name}`
  return row?.rolsuper
}

/** Runs statements one after the other, as psql does: a failed statement does not stop the rest. */
async function attempt(...statements: string[]): Promise<void> {
  for (const statement of statements) await attacker.sql.unsafe(statement).catch(() => {})
}

describe('a role that has usage on schema sse and nothing else', () => {
  test('cannot become superuser by a cast of its own in the trigger that keeps deleted keys', async () => {
    await attempt(
      'create type pg_temp.evil as (cmd text)',
      `create function pg_temp.run(pg_temp.evil) returns text language plpgsql as $$
       begin execute ($1).cmd; return 'x'; end $$`,
      'create cast (pg_temp.evil as text) with function pg_temp.run(pg_temp.evil)',
      'create temp table orders (key pg_temp.evil)',
      'create trigger t after delete on pg_temp.orders for each row execute function sse.keep_key()',
      `insert into pg_temp.orders values (row('alter role ${attacker.name} superuser'))`,
      'delete from pg_temp.orders',
    )
    expect(await isSuperuser()).toBe(false)
  })

  test('cannot forge deleted keys of other users', async () => {
    await attempt(
      'create temp table orders (key text)',
      'create trigger t after delete on pg_temp.orders for each row execute function sse.keep_key()',
      `insert into pg_temp.orders values ('victim')`,
      'delete from pg_temp.orders',
    )
    expect(await database.sql`select * from sse.deleted_keys`).toHaveLength(0)
  })

  test.each(['json', 'text', 'bigint', 'timestamptz'])(
    'cannot become superuser by a temporary type named %s that sse.publish would resolve',
    async (type) => {
      await attempt(
        `create function pg_temp.check(pg_catalog.text) returns boolean language plpgsql as $$
         begin execute 'alter role ${attacker.name} superuser'; return true; end $$`,
        `create domain pg_temp.${type} as pg_catalog.${type === 'bigint' ? 'int8' : type} check (pg_temp.check(value::pg_catalog.text))`,
        `select sse.publish('a', 't', '1'::pg_catalog.text)`,
        `select sse.publish('a', 't', '1'::pg_catalog.json)`,
        `select sse.publish('a', 't', '1'::pg_catalog.jsonb)`,
        `select sse.publish_text('a', 't', '1'::pg_catalog.text)`,
      )
      expect(await isSuperuser()).toBe(false)
    },
  )

  test('cannot read or change any table, sequence or view of the schema', async () => {
    const relations = await database.sql<{ name: string }[]>`
      select relname as name from pg_class
      where relnamespace = 'sse'::regnamespace and relkind in ('r', 'p', 'v', 'S')`
    expect(relations.length).toBeGreaterThan(10)
    for (const { name } of relations) {
      expect(await attacker.sql.unsafe(`select * from sse.${name}`).catch((error) => error.code)).toBe('42501')
      expect(
        await attacker.sql
          .begin((transaction) => transaction.unsafe(`lock table sse.${name} in access share mode`))
          .catch((error) => error.code),
      ).toMatch(/^42(501|809)$/)
    }
  })

  test('can still publish', async () => {
    await attacker.sql`select sse.publish('a', 'published', '1')`
    await attacker.sql`select sse.publish('a', 'published', jsonb_build_object('n', 1))`
    expect(await database.sql`select from sse.outbox where type = 'published'`).toHaveLength(2)
  })
})

test('a role reads the cursor with its state when it may select from sse.head and execute sse.cursor, and not before', async () => {
  const read = () => attacker.sql`select sse.cursor() as cursor`.then(([row]) => row?.cursor).catch(({ code }) => code)
  expect(await read()).toBe('42501')
  await database.sql.unsafe(`grant select on sse.head to ${attacker.name}`)
  expect(await read()).toBe('42501')
  await database.sql.unsafe(`grant execute on function sse.cursor() to ${attacker.name}`)
  expect(await read()).toMatch(/^\d+-[0-9a-z]{6}$/)
})

describe('a session that has turned standard_conforming_strings off', () => {
  test.each(['a b', 'a\nb', 'a>', 'a.*', 'a\u001bb', 'u'.repeat(256)])(
    'cannot publish an event on the invalid channel %j',
    async (channel) => {
      await attacker.sql`set standard_conforming_strings = off`.catch(() => {})
      const code = await attacker.sql`select sse.publish(${channel}, 't', '1')`.then(
        () => 'published',
        (error) => error.code,
      )
      expect(code).toBe('22023')
    },
  )

  test.each(['a\nb', 'a\u001bb', 'a\u0085b'])('cannot publish an event of the invalid type %j', async (type) => {
    await attacker.sql`set standard_conforming_strings = off`.catch(() => {})
    const code = await attacker.sql`select sse.publish('a', ${type}, '1')`.then(
      () => 'published',
      (error) => error.code,
    )
    expect(code).toBe('22023')
  })

  test('publishes valid events, also with the letter u in their names', async () => {
    await attacker.sql`set standard_conforming_strings = off`.catch(() => {})
    await attacker.sql`select sse.publish('u0001.u0020', 'untypical', '1')`
    expect(await database.sql`select from sse.outbox where type = 'untypical'`).toHaveLength(1)
  })
})
