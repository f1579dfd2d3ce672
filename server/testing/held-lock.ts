import type { Sql } from '../platform/database.ts'

/** A transaction that stays open with what its statement has locked. */
export interface HeldLock {
  /** Process ID of its backend. */
  pid: number
  /** Commits; resolves when the locks are free. */
  release(): Promise<void>
}

/** Resolves when the statement has its locks. */
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
