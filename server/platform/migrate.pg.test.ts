import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { createEmptyDatabase, type TestDatabase } from '../testing/database.ts'
import { migrationsDirectory } from './assets.ts'
import { connectDatabase } from './database.ts'
import { checkMigrated, type Migration, migrate, readMigrations } from './migrate.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createEmptyDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.sql`drop schema if exists sse cascade`
})

const migration = (version: number, sql: string): Migration => ({
  version,
  name: `step_${version}`,
  sql,
  checksum: createHash('sha256').update(sql).digest('hex'),
})
const first = migration(1, 'create table sse.one (n integer)')
const second = migration(2, 'create table sse.two (n integer)')

const versions = async () =>
  (await database.sql<{ version: number }[]>`select version from sse.migration order by version`).map(
    ({ version }) => version,
  )

describe('migrating', () => {
  test('applies what is missing, in order, once', async () => {
    expect((await migrate(database.sql, [first])).map(({ version }) => version)).toEqual([1])
    expect((await migrate(database.sql, [first, second])).map(({ version }) => version)).toEqual([2])
    expect(await migrate(database.sql, [first, second])).toEqual([])
    expect(await versions()).toEqual([1, 2])
  })

  test('many instances that start at once apply each migration once', async () => {
    const pools = Array.from({ length: 8 }, () => connectDatabase(database.url, { max: 1 }))
    const migrations = await readMigrations(migrationsDirectory)
    const applied = await Promise.all(pools.map((pool) => migrate(pool, migrations)))
    expect(applied.flat().map(({ version }) => version)).toEqual(migrations.map(({ version }) => version))
    await Promise.all(pools.map((pool) => pool.end()))
  })

  test('applies all or nothing', async () => {
    const broken = migration(2, 'create table sse.two (n integer); select 1 / 0')
    await expect(migrate(database.sql, [first, broken])).rejects.toThrow('division by zero')
    const [row] = await database.sql`select to_regclass('sse.one') as one, to_regclass('sse.migration') as ledger`
    expect(row).toEqual({ one: null, ledger: null })
  })

  test('refuses a file that was changed after it was applied', async () => {
    await migrate(database.sql, [first])
    const changed = migration(1, 'create table sse.other (n integer)')
    const error = await migrate(database.sql, [changed, second]).catch((caught) => caught)
    expect(error).toMatchObject({ name: 'MigrationError', code: 'migration.changed' })
    expect(error.message).toContain('0001_step_1.sql')
    expect(await versions()).toEqual([1])
  })

  test('refuses a database that a newer version has migrated', async () => {
    await migrate(database.sql, [first, second])
    expect(await migrate(database.sql, [first]).catch((caught) => caught)).toMatchObject({ code: 'migration.newer' })
  })
})

describe('checking', () => {
  test('passes when everything is applied, and changes nothing when not', async () => {
    const error = await checkMigrated(database.sql, [first, second]).catch((caught) => caught)
    expect(error).toMatchObject({ code: 'migration.missing' })
    expect(error.message).toContain('sse-update migrate')
    const [row] = await database.sql`select to_regnamespace('sse') as schema`
    expect(row).toEqual({ schema: null })
    await migrate(database.sql, [first, second])
    await checkMigrated(database.sql, [first, second])
  })
})
