import type { Db } from 'pg-boss'
import type { Sql } from '../../platform/database.ts'
import type { Database } from '../../platform/pool.ts'

type Rows = { rows: unknown[] }
type Values = Parameters<Sql['unsafe']>[1]

/** pg-boss expects one list of rows, and several statements return several lists. */
const rowsOf = (result: readonly unknown[]): Rows => ({
  rows: result.some(Array.isArray) ? result.flat() : [...result],
})

/**
 * Every role can hold an advisory lock. What pg-boss does under one is therefore done under a row lock of
 * migrations/0010_sql_trust_boundary.sql.
 */
const withRowLocks = (text: string) =>
  text
    .replaceAll('pg_try_advisory_xact_lock(', 'sse.try_lock_queue(')
    .replaceAll('pg_advisory_xact_lock(', 'sse.lock_queue(')

/** A whole transaction as one text: `postgres` assigns a connection of a pool only to transactions that it begins itself. */
const TRANSACTION = /^\s*begin;(.*)commit;\s*$/is

/** The database of pg-boss on the application's pool. @param onSuccess called after each statement that succeeded */
export function pooled(database: Database, onSuccess: () => void): Db {
  return {
    async executeSql(statement, values) {
      const text = withRowLocks(statement)
      const rows = await database.query(async (sql) => {
        const [, statements] = TRANSACTION.exec(text) ?? []
        if (statements === undefined) return rowsOf(await sql.unsafe(text, values as Values))
        return rowsOf(await sql.begin((transaction) => transaction.unsafe(statements)))
      })
      onSuccess()
      return rows
    },
  }
}

/** The database of pg-boss within a transaction of the application. */
export const within = (sql: Sql): Db => ({
  executeSql: async (text, values) => rowsOf(await sql.unsafe(text, values as Values)),
})
