import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { holdLock } from '../testing/held-lock.ts'
import { watchLocks } from './lock-watch.ts'
import type { Logger } from './logger.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

/** A watch of a session that waits for a lock, which another one holds. */
async function scene() {
  const log: string[] = []
  const logger = { warn: ({ holders }: { holders: string }) => log.push(holders), debug() {} } as unknown as Logger
  const holder = await holdLock(database.sql, 'select pg_advisory_xact_lock(1)')
  const waiting = Promise.withResolvers<number>()
  const ended = database.sql.begin(async (transaction) => {
    const [session] = await transaction<{ pid: number }[]>`select pg_backend_pid() as pid`
    waiting.resolve(session?.pid ?? 0)
    await transaction`select pg_advisory_xact_lock(1)`
  })
  const watch = watchLocks(database.sql, 5, logger)
  const release = async () => {
    await holder.release()
    await ended
  }
  return {
    log,
    holder,
    pid: await waiting.promise,
    watch,
    release,
    async [Symbol.asyncDispose]() {
      watch.stop()
      await release()
    },
  }
}

test('names the sessions that hold the lock, and logs them once', async () => {
  await using it = await scene()
  const { log, holder, pid, watch } = it
  expect(watch.holders).toBeUndefined()
  watch.start(pid)
  while (watch.holders === undefined) await Bun.sleep(2)
  expect(watch.holders).toMatch(
    new RegExp(`^process ${holder.pid} \\(role \\w+, "test", idle in transaction, \\d+ s in its transaction\\)$`),
  )
  // It reads on: the age of the transaction changes. The holder is still the same.
  const first = watch.holders
  while (watch.holders === first) await Bun.sleep(10)
  expect(log).toEqual([first])
})

test('keeps the holder that was seen last when the lock is free', async () => {
  await using it = await scene()
  const { holder, pid, watch } = it
  watch.start(pid)
  while (watch.holders === undefined) await Bun.sleep(2)
  await it.release()
  expect(watch.holders).toContain(`process ${holder.pid} `)
})

test('logs that it can not read, and does not fail', async () => {
  const failed = Promise.withResolvers<string>()
  const logger = { debug: ({ problem }: { problem: string }) => failed.resolve(problem) } as unknown as Logger
  const sql = (() => Promise.reject(new Error('no connection'))) as unknown as TestDatabase['sql']
  const watch = watchLocks(sql, 5, logger)
  watch.start(1)
  expect(await failed.promise).toBe('no connection')
  expect(watch.holders).toBeUndefined()
  watch.stop()
})
