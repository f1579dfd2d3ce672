import { connectDatabase, type Sql } from '../platform/database.ts'
import type { TestDatabase } from './database.ts'

/** A SQL role for one test, as an application or an attacker has it. It is dropped when it is disposed. */
export interface TestRole extends AsyncDisposable {
  name: string
  /** A single session of this role, so that temporary objects and settings persist. */
  sql: Sql
}

let counter = 0

/** Creates a role that may log in and has `usage` on schema sse, as the README grants it for publishing. */
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
