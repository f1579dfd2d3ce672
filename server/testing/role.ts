import { connectDatabase, type Sql } from '../platform/database.ts'
import type { TestDatabase } from './database.ts'

/** A role of a test's own, as an application or an attacker has it. */
export interface TestRole extends AsyncDisposable {
  name: string
  /** One session of this role: temporary objects and settings last. */
  sql: Sql
}

let counter = 0

/** A role that may log in and has `usage` on schema sse: what the README grants to publish. */
export async function createRole({ sql, url }: TestDatabase): Promise<TestRole> {
  const name = `role_${process.pid}_${++counter}`
  await sql.unsafe(`create role ${name} login password '${name}'; grant usage on schema sse to ${name}`)
  const address = new URL(url)
  address.username = name
  address.password = name
  const session = connectDatabase(address.href, { max: 1, name: 'attacker' })
  return {
    name,
    sql: session,
    async [Symbol.asyncDispose]() {
      await session.end({ timeout: 1 })
      await sql.unsafe(`drop owned by ${name}; drop role ${name}`)
    },
  }
}
