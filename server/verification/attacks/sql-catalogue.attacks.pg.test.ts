import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Sql } from '../../platform/database.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'

// Reads the catalogue, so that the rules also apply to future functions and tables.

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

/** Functions that every role with usage on the schema may call. */
const PUBLIC = /^sse\.publish(?:_text)?\(/
/**
 * Functions that run with the rights of the server's role. Each was reviewed for what a hostile caller could make it
 * do.
 */
const DEFINER = [
  /^sse\.publish\(text,text,text,text,text\)$/,
  /^sse\.keep_key\(\)$/,
  /^sse\.revoke\(text,text\)$/,
  // For the role of the server, when it is not the owner.
  /^sse\.append_(events|logged)\(text\[\],text\[\],json\[\],text\[\],text\[\],boolean\)$/,
  /^sse\.relay\(integer\)$/,
  /^sse\.purge\(interval,bigint,integer\)$/,
  /^sse\.prepare_partitions\(\)$/,
  /^sse\.(renew_epoch\(\)|discard_epoch\(text\))$/,
  /^sse\.(try_)?lock_queue\(bigint\)$/,
  /^sse\.end_session\(text,text,timestamp with time zone\)$/,
]
const SEARCH_PATH = 'search_path=pg_catalog, pg_temp'
const STRINGS = 'standard_conforming_strings=on'

interface Routine {
  name: string
  isDefiner: boolean
  isPublic: boolean
  settings: string[]
  foreignTypes: string[]
}

const routines = (sql: Sql) => sql<Routine[]>`
  select p.oid::regprocedure::text as name, p.prosecdef as "isDefiner",
         exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) where grantee = 0) as "isPublic",
         coalesce(p.proconfig, '{}') as settings,
         array(select t.typname::text from pg_type t
               where t.oid = any (p.proargtypes::oid[] || p.prorettype) and t.typnamespace <> 'pg_catalog'::regnamespace
              ) as "foreignTypes"
  from pg_proc p where p.pronamespace = 'sse'::regnamespace`

async function violations(sql: Sql): Promise<string[]> {
  const found: string[] = []
  for (const { name, isDefiner, isPublic, settings, foreignTypes } of await routines(sql)) {
    if (!settings.includes(SEARCH_PATH)) found.push(`${name} does not set ${SEARCH_PATH}`)
    if (isPublic && !PUBLIC.test(name)) found.push(`${name} is executable by PUBLIC`)
    if (!isDefiner) continue
    if (!DEFINER.some((known) => known.test(name))) found.push(`${name} is security definer`)
    if (!settings.includes(STRINGS)) found.push(`${name} does not set ${STRINGS}`)
    if (foreignTypes.length > 0) found.push(`${name} takes or returns ${foreignTypes}`)
  }
  return found
}

test('no function of the schema resolves names in a schema that its caller chooses, or is needlessly executable by PUBLIC', async () => {
  expect((await routines(database.sql)).length).toBeGreaterThan(8)
  expect(await violations(database.sql)).toEqual([])
})

test.each([
  [`create function sse.bad() returns int language sql as 'select 1'`, ['search_path', 'PUBLIC']],
  [
    `create function sse.bad() returns int language sql set search_path = pg_catalog as 'select 1';
     revoke execute on function sse.bad from public`,
    ['search_path'],
  ],
  [
    `create function sse.bad() returns int language sql security definer set search_path = pg_catalog, pg_temp as 'select 1'`,
    ['PUBLIC', 'security definer', 'standard_conforming_strings'],
  ],
])('a new function that breaks the rule is found: %s', async (definition, rules) => {
  await database.sql
    .begin(async (transaction) => {
      await transaction.unsafe(definition)
      const found = await violations(transaction as unknown as Sql)
      expect(found).toHaveLength(rules.length)
      for (const [index, rule] of rules.entries()) expect(found[index]).toContain(rule)
      throw new Error('roll back')
    })
    .catch((error) => {
      if (error.message !== 'roll back') throw error
    })
})

test('PUBLIC has no rights on the schemas, their tables, views, sequences and default privileges', async () => {
  const granted = await database.sql`
    select 'schema ' || nspname as what from pg_namespace, aclexplode(nspacl)
    where nspname in ('sse', 'sse_tasks') and grantee = 0
    union all
    select c.oid::regclass::text from pg_class c, aclexplode(c.relacl)
    where c.relnamespace in ('sse'::regnamespace, 'sse_tasks'::regnamespace) and grantee = 0
    union all
    select a.attrelid::regclass::text || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid, aclexplode(a.attacl)
    where c.relnamespace in ('sse'::regnamespace, 'sse_tasks'::regnamespace) and grantee = 0
    union all
    select 'defaults of ' || defaclrole::regrole from pg_default_acl, aclexplode(defaclacl)
    where defaclnamespace in ('sse'::regnamespace, 'sse_tasks'::regnamespace) and grantee = 0`
  expect([...granted]).toEqual([])
})

test('every trigger runs a function of the schema', async () => {
  const found = await database.sql`
    select t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
    where c.relnamespace = 'sse'::regnamespace and not t.tgisinternal and p.pronamespace <> 'sse'::regnamespace`
  expect([...found]).toEqual([])
})
