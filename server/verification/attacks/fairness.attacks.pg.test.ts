import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import type { Task } from '../../shop/tasks/schema.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream } from '../../testing/stream-reader.ts'

const LIMIT = 25

const startTask = async (instance: Runtime, owner: string, seconds: number) => {
  const response = await fetch(`${instance.url}/api/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-user': owner },
    body: JSON.stringify({ kind: 'demo', input: { seconds } }),
  })
  return { status: response.status, body: await response.json() }
}

const startMany = async (instance: Runtime, owner: string, count: number, seconds: number) => {
  const tasks: Task[] = []
  for (let started = 0; started < count; started++) tasks.push((await startTask(instance, owner, seconds)).body as Task)
  return tasks
}

const act = (instance: Runtime, id: number, action: string) =>
  fetch(`${instance.url}/api/tasks/${id}/${action}`, { method: 'POST' })

const taskOf = ({ data }: { data: unknown }) => (data as { task: Task }).task

/** Owners of the tasks in the order in which they were started. */
const ownersTakenUp = (events: readonly { type: string; data: unknown }[]) =>
  events.filter(({ type }) => type === 'task.running').map((event) => taskOf(event).owner)

describe('with two workers', () => {
  let database: TestDatabase
  let instance: Runtime & AsyncDisposable

  beforeAll(async () => {
    database = await createDatabase()
    instance = await startInstance(database.url, { WORKER_CONCURRENCY: '2', TASKS_PER_OWNER: String(LIMIT) })
  })
  afterAll(async () => {
    await instance[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  test('20 long tasks of one owner do not delay a task of another owner', async () => {
    await using reader = await openStream(instance.url, ['tasks.>'])
    const tasks = await startMany(instance, 'greedy', 20, 600)
    await reader.until(({ events }) => ownersTakenUp(events).includes('greedy'))
    await startTask(instance, 'stranger', 0)
    await reader.until(({ events }) => ownersTakenUp(events).includes('stranger'))
    await reader.until(({ events }) => events.some(({ type }) => type === 'task.succeeded'))
    for (const { id } of tasks) await act(instance, id, 'cancel')
  })

  test('an owner with too many open tasks gets 429, while other owners can start tasks', async () => {
    const tasks = await startMany(instance, 'flood', LIMIT, 600)
    const refused = await startTask(instance, 'flood', 0)
    expect(refused).toMatchObject({ status: 429, body: { code: 'tasks.too_many', limit: LIMIT } })
    expect((await startTask(instance, 'other', 0)).status).toBe(202)
    const [first] = tasks as [Task]
    await act(instance, first.id, 'cancel')
    expect((await startTask(instance, 'flood', 600)).status).toBe(202)
    const retried = await act(instance, first.id, 'retry')
    expect([retried.status, ((await retried.json()) as { code: string }).code]).toEqual([429, 'tasks.too_many'])
  })

  test('simultaneous requests do not exceed the limit', async () => {
    const results = await Promise.all(Array.from({ length: LIMIT + 15 }, () => startTask(instance, 'burst', 600)))
    expect(results.filter(({ status }) => status === 202)).toHaveLength(LIMIT)
  })
})

test('a task that waits for weeks keeps its job, so that it does not block its owner forever', async () => {
  await using database = await createDatabase()
  await using instance = await startInstance(database.url, { WORKER_CONCURRENCY: '0' })
  await startTask(instance, 'patient', 0)
  const jobs = await database.sql`select from sse_tasks.job where keep_until > now() + interval '1 year'`
  expect(jobs).toHaveLength(1)
})

describe('with one worker', () => {
  test('tasks of several owners run in rotation, whenever they were created', async () => {
    await using database = await createDatabase()
    await using instance = await startInstance(database.url, { WORKER_CONCURRENCY: '1' })
    await using reader = await openStream(instance.url, ['tasks.>'])
    const [first] = (await startMany(instance, 'greedy', 12, 0.1)) as [Task]
    await reader.until(({ events }) => events.some((event) => taskOf(event).id === first.id))
    await startMany(instance, 'ann', 3, 0)
    await startMany(instance, 'bob', 3, 0)
    await reader.until(({ events }) => events.filter(({ type }) => type === 'task.succeeded').length === 18)
    const owners = ownersTakenUp(reader.events)
    expect(owners.at(-1)).toBe('greedy')
    // Between two tasks of one of them, at most one of each other owner.
    for (const owner of ['greedy', 'ann', 'bob']) {
      const places = owners.flatMap((taken, place) => (taken === owner ? [place] : []))
      const waits = places.slice(1).map((place, index) => place - (places[index] ?? 0))
      expect(Math.max(...waits)).toBeLessThanOrEqual(3)
    }
  })

  test('a task whose predecessors in the queue were cancelled or deleted by SQL still runs', async () => {
    await using database = await createDatabase()
    await using instance = await startInstance(database.url, { WORKER_CONCURRENCY: '1' })
    await using reader = await openStream(instance.url, ['tasks.>'])
    const [running, head, next, last] = (await startMany(instance, 'greedy', 4, 600)) as [Task, Task, Task, Task]
    await reader.until(({ events }) => events.some(({ type }) => type === 'task.running'))
    await act(instance, head.id, 'cancel')
    await database.sql`delete from sse.tasks where id = ${next.id}`
    await act(instance, running.id, 'cancel')
    await reader.until(({ events }) =>
      events.some((event) => event.type === 'task.running' && taskOf(event).id === last.id),
    )
    await act(instance, last.id, 'cancel')
  })
})
