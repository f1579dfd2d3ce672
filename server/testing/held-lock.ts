import type { Sql } from '../platform/database.ts'

/** An open transaction that holds the locks of its statement. */
export interface HeldLock {
  /** Process ID of the backend. */
  pid: number
  /** Commits; resolves when the locks are released. */
  release(): Promise<void>
}

/** Runs a statement in a new transaction; resolves when it holds its locks. */
export async function holdLock(sql: Sql, statement: string): Promise<HeldLock> {
  const held = Promise.withResolvers<number>()
  const released = Promise.withResolvers<void>()
  const transaction = sql.begin(async (transaction) => {
    await transaction.unsafe(statement)
    const [session] = await transaction<{ pid: number }[]>`select pg_backend_pid() as pid`
    held.resolve(session?.pid ?? 0)
    await released.promise
  })
  transaction.catch(held.reject)
  const pid = await held.promise
  return {
    pid,
    async release() {
      released.resolve()
      await transaction
    },
  }
}
