import { describe, expect, test } from 'bun:test'
import { createDatabase } from '../../testing/database.ts'
import { startInstance, startProcess } from '../../testing/instance.ts'
import { openStream, type StreamReader } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'
import { LEASE } from './queue.ts'
import type { Task } from './schema.ts'

// Each waits for a lease to end, so they do it at the same time.

const PATIENCE = 6 * LEASE * 1000
/** More than that, so that a wait that is too long says what it waited for. */
const TIMEOUT = 2 * PATIENCE

const taskOf = ({ data }: { data: unknown }) => (data as { task: Task }).task

/** A database and instances of its own, so that no other worker takes the task. */
async function scene() {
  const own = await createDatabase()
  const observer = await startInstance(own.url, { WORKER_CONCURRENCY: '0' })
  const owner = 'bob'
  const reader = await openStream(observer.url, [`tasks.${owner}.*`])
  return {
    own,
    reader,
    work: () => startProcess({ DATABASE_URL: own.url }, { verb: 'work' }),
    start: async (path: string, type: string, body: string) => {
      const headers = { 'content-type': type, 'x-user': owner }
      const response = await fetch(`${observer.url}/api/${path}`, { method: 'POST', headers, body })
      return (await response.json()) as Task
    },
    read: async (id: number) => (await (await fetch(`${observer.url}/api/tasks/${id}`)).json()) as Task,
    async [Symbol.asyncDispose]() {
      await reader.close()
      await observer.stop()
      await own[Symbol.asyncDispose]()
    },
  }
}

/** Waits longer than a reader usually does. */
const patiently = (reader: StreamReader, condition: (reader: StreamReader) => boolean) =>
  until('another worker has taken the task over', () => condition(reader), Boolean, PATIENCE)

const has = (type: string, attempt: number) => (reader: StreamReader) =>
  reader.events.some((event) => event.type === type && taskOf(event).attempt === attempt)

describe('a worker that', () => {
  test.concurrent(
    'is killed in the middle of a task: another takes it over and finishes it, once',
    async () => {
      await using stage = await scene()
      const { reader } = stage
      await using victim = await stage.work()
      const { id } = await stage.start('tasks', 'application/json', '{"kind":"demo","input":{"seconds":2}}')
      await reader.until(has('task.progress', 1))
      await victim.end('SIGKILL')
      await using _second = await stage.work()
      await patiently(reader, has('task.succeeded', 2))
      const types = reader.events.map(({ type }) => type).filter((type) => type !== 'task.progress')
      expect(types).toEqual(['task.queued', 'task.running', 'task.running', 'task.succeeded'])
      const versions = reader.events.map((event) => taskOf(event).version)
      expect(versions).toEqual(versions.map((_, index) => index + 1))
      expect(await stage.read(id)).toMatchObject({ state: 'succeeded', attempt: 2, error: null })
    },
    TIMEOUT,
  )

  test.concurrent(
    'sleeps while its lease ends: what it writes after waking up is refused',
    async () => {
      await using stage = await scene()
      const { reader } = stage
      await using sleeper = await stage.work()
      const { id } = await stage.start('tasks', 'application/json', '{"kind":"demo","input":{"seconds":3}}')
      await reader.until(has('task.progress', 1))
      process.kill(sleeper.pid, 'SIGSTOP')
      await using _second = await stage.work()
      await patiently(reader, has('task.progress', 2))
      process.kill(sleeper.pid, 'SIGCONT')
      await patiently(reader, has('task.succeeded', 2))
      // It ends when what it ran has ended: whatever it would have written, it has tried to write by then.
      expect(await sleeper.end('SIGTERM')).toBe(0)
      const task = await stage.read(id)
      expect(task).toMatchObject({ state: 'succeeded', attempt: 2, version: reader.events.length })
      const second = reader.events.findIndex(({ type }, index) => type === 'task.running' && index > 1)
      expect(reader.events.slice(second).map((event) => taskOf(event).attempt)).toEqual(
        reader.events.slice(second).map(() => 2),
      )
    },
    TIMEOUT,
  )

  test.concurrent(
    'makes the last attempt and dies: the task fails, and still lists the bad lines',
    async () => {
      await using stage = await scene()
      const { reader } = stage
      await using victim = await stage.work()
      const csv = `customer,currency,sku,name,quantity,unit_price\n${'a b,EUR,A1,Tea,1,1\n'.repeat(90_000)}`
      const { id } = await stage.start('orders/import', 'text/csv', csv)
      await reader.until(has('task.progress', 1))
      await stage.own.sql`update sse_tasks.job set retry_limit = 0 where data->>'task' = ${String(id)}`
      await victim.end('SIGKILL')
      await using _second = await stage.work()
      await patiently(reader, has('task.failed', 1))
      expect(await stage.read(id)).toMatchObject({
        error: expect.stringContaining('died'),
        files: [{ name: 'rejected.csv' }],
      })
    },
    TIMEOUT,
  )

  test.concurrent.each(['SIGKILL', 'SIGSTOP'] as const)(
    'gets %s in the middle of an import: each line becomes one order',
    async (signal) => {
      await using stage = await scene()
      const { reader } = stage
      await using victim = await stage.work()
      const lines = Array.from({ length: 30_000 }, (_, index) =>
        index % 1000 === 0 ? 'alice,EUR,A1,Tea,none,1' : `alice,EUR,S${index},Tea,1,100`,
      )
      const csv = `customer,currency,sku,name,quantity,unit_price\n${lines.join('\n')}\n`
      const { id } = await stage.start('orders/import', 'text/csv', csv)
      await reader.until(has('task.progress', 1))
      process.kill(victim.pid, signal)
      const [before] = await stage.own.sql<{ count: number }[]>`select count(*)::int as count from sse.orders`
      expect(before?.count).toBeGreaterThan(0)
      expect(before?.count).toBeLessThan(29_970)
      await using _second = await stage.work()
      await patiently(reader, has('task.succeeded', 2))
      if (signal === 'SIGSTOP') process.kill(victim.pid, 'SIGCONT')
      await victim.end('SIGTERM')
      expect(await stage.read(id)).toMatchObject({ result: { imported: 29_970, rejected: 30 }, attempt: 2 })
      const [after] = await stage.own.sql<{ count: number; skus: number }[]>`
      select count(*)::int as count, count(distinct lines->0->>'sku')::int as skus from sse.orders`
      expect(after).toEqual({ count: 29_970, skus: 29_970 })
    },
    TIMEOUT,
  )
})
