import { migrationsDirectory } from '../platform/assets.ts'
import { connectDatabase, type Sql } from '../platform/database.ts'
import { createLogger } from '../platform/logger.ts'
import { migrate, readMigrations } from '../platform/migrate.ts'
import type { Database } from '../platform/pool.ts'
import { installQueue } from '../shop/tasks/queue.ts'
import { testCluster } from './postgres-cluster.ts'

/** The database of one test file; it is dropped when it is disposed. */
export interface TestDatabase extends AsyncDisposable {
  url: string
  sql: Sql
}

let template: Promise<string> | undefined
let counter = 0

/** Creates a migrated database for exclusive use. It is cloned from a template, which is faster than migrating. */
export async function createDatabase(): Promise<TestDatabase> {
  template ??= createTemplate()
  return create(`test_${process.pid}_${++counter}`, await template)
}

/** Creates an empty database. */
export const createEmptyDatabase = (): Promise<TestDatabase> => create(`empty_${process.pid}_${++counter}`, 'template0')

async function create(name: string, from: string): Promise<TestDatabase> {
  const { url: maintenance } = await testCluster()
  await administrate(maintenance, `create database ${name} template ${from}`)
  const url = withDatabase(maintenance, name)
  const sql = connectDatabase(url, { max: 5, name: 'test' })
  return {
    url,
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 1 })
      await administrate(maintenance, `drop database ${name} with (force)`)
    },
  }
}

async function createTemplate(): Promise<string> {
  const { url: maintenance } = await testCluster()
  const name = `template_${process.pid}`
  await administrate(maintenance, `create database ${name}`)
  const sql = connectDatabase(withDatabase(maintenance, name), { max: 2 })
  await migrate(sql, await readMigrations(migrationsDirectory))
  await installQueue(sql, directly(sql), createLogger({ logLevel: 'warn', logFormat: 'auto' }))
  await sql.end()
  return name
}

async function administrate(maintenance: string, statement: string): Promise<void> {
  const sql = connectDatabase(maintenance, { max: 1 })
  try {
    await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

function withDatabase(maintenance: string, name: string): string {
  const url = new URL(maintenance)
  url.pathname = `/${name}`
  return url.href
}

/** Wraps a pool or a transaction as a `Database`, without retries and timeouts. */
export const directly = (sql: unknown): Database => ({ query: async (run) => run(sql as Sql) })
