import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream, type StreamReader } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'
import { KINDS, STATES, type Task } from './schema.ts'

let database: TestDatabase
let a: Runtime & AsyncDisposable
let b: Runtime & AsyncDisposable

beforeAll(async () => {
  database = await createDatabase()
  // Only b runs tasks: requests to a are executed on another instance.
  ;[a, b] = await Promise.all([
    startInstance(database.url, { WORKER_CONCURRENCY: '0' }),
    startInstance(database.url, { WORKER_CONCURRENCY: '4', TASKS_RUNNING_PER_OWNER: '4' }),
  ])
})
afterAll(async () => {
  await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()])
  await database[Symbol.asyncDispose]()
})

const newOwner = () => `o-${crypto.randomUUID()}`

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, url = a.url) {
  const response = await fetch(`${url}/api/tasks${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined }
}

const start = async (owner: string, input: object, url = a.url) =>
  (await call('POST', '', { kind: 'demo', input }, { 'x-user': owner }, url)).body as Task

const taskOf = ({ data }: { data: unknown }) => (data as { task: Task }).task

const untilType = (reader: StreamReader, type: string) =>
  reader.until(({ events }) => events.some((event) => event.type === type))

describe('a task', () => {
  test('is accepted queued, runs on another instance, and each change is an event with the task after it', async () => {
    const owner = newOwner()
    await using reader = await openStream(a.url, [`tasks.${owner}.*`])
    const accepted = await call('POST', '', { kind: 'demo', input: { seconds: 0.5 } }, { 'x-user': owner })
    expect([accepted.status, accepted.headers.get('location'), accepted.headers.get('etag')]).toEqual([
      202,
      `/api/tasks/${accepted.body.id}`,
      '"1"',
    ])
    expect(accepted.body).toMatchObject({ kind: 'demo', owner, state: 'queued', progress: 0, attempt: 0, version: 1 })
    await untilType(reader, 'task.succeeded')
    const types = reader.events.map(({ type }) => type)
    expect(types.slice(0, 2)).toEqual(['task.queued', 'task.running'])
    expect(new Set(types.slice(2, -1))).toEqual(new Set(['task.progress']))
    const tasks = reader.events.map(taskOf)
    expect(tasks.map(({ version }) => version)).toEqual(tasks.map((_, index) => index + 1))
    expect(tasks.map(({ progress }) => progress)).toEqual(tasks.map(({ progress }) => progress).sort((x, y) => x - y))
    expect(tasks.at(-1)).toMatchObject({ state: 'succeeded', progress: 100, attempt: 1, result: { seconds: 0.5 } })
    const { body } = await call('GET', `/${accepted.body.id}`)
    expect(body).toEqual({ ...tasks.at(-1), cursor: expect.any(String) })
  })

  test('that fails is retried, later each time, and then has failed with the reason', async () => {
    const owner = newOwner()
    await using reader = await openStream(a.url, [`tasks.${owner}.*`])
    const { id } = await start(owner, { seconds: 0, fail_at: 50 })
    await untilType(reader, 'task.failed')
    const queued = reader.events.filter(({ type }) => type === 'task.queued').map(taskOf)
    expect(queued.map(({ error, nextAttemptAt }) => [error, nextAttemptAt !== null])).toEqual([
      [null, false],
      ['failed at 50 %, as requested', true],
      ['failed at 50 %, as requested', true],
    ])
    expect((await call('GET', `/${id}`)).body).toMatchObject({
      state: 'failed',
      attempt: 3,
      error: 'failed at 50 %, as requested',
    })
    expect((await call('POST', `/${id}/retry`)).body).toMatchObject({ state: 'queued', error: null })
    expect((await call('POST', `/${id}/cancel`)).body).toMatchObject({ state: 'cancelled' })
  }, 20_000)

  test('that is cancelled stops on the other instance, and publishes nothing more', async () => {
    const owner = newOwner()
    await using reader = await openStream(b.url, [`tasks.${owner}.*`])
    const { id } = await start(owner, { seconds: 60 })
    await untilType(reader, 'task.progress')
    expect(await running(b)).toBe(1)
    const { status, body } = await call('POST', `/${id}/cancel`)
    expect([status, body.state]).toEqual([200, 'cancelled'])
    await until(
      'no task runs',
      () => running(b),
      (count) => count === 0,
    )
    await untilType(reader, 'task.cancelled')
    expect(reader.events.at(-1)?.type).toBe('task.cancelled')
    expect((await call('GET', `/${id}`)).body.version).toBe(body.version)
  })

  test('waits while others run, and can be cancelled before it runs', async () => {
    const owner = newOwner()
    await using reader = await openStream(a.url, [`tasks.${owner}.*`])
    const running = await Promise.all(Array.from({ length: 4 }, () => start(owner, { seconds: 60 })))
    await reader.until(({ events }) => events.filter(({ type }) => type === 'task.running').length === 4)
    const waiting = await start(owner, { seconds: 0 })
    expect((await call('POST', `/${waiting.id}/cancel`)).body).toMatchObject({ state: 'cancelled', attempt: 0 })
    const next = await start(owner, { seconds: 0 })
    for (const { id } of running) await call('POST', `/${id}/cancel`)
    await reader.until(({ events }) =>
      events.some((event) => event.type === 'task.succeeded' && taskOf(event).id === next.id),
    )
    expect((await call('GET', `/${waiting.id}`)).body).toMatchObject({ state: 'cancelled', attempt: 0 })
  })

  test('is renamed, and deleted only after its end', async () => {
    const owner = newOwner()
    await using reader = await openStream(a.url, [`tasks.${owner}.*`])
    const { id } = await start(owner, { seconds: 60 })
    await untilType(reader, 'task.running')
    expect((await call('PATCH', `/${id}`, { description: 'Other' })).body).toMatchObject({ description: 'Other' })
    expect(await call('DELETE', `/${id}`)).toMatchObject({
      status: 409,
      body: { code: 'task.illegal_action', allowed: ['cancel'], current: 'running' },
    })
    await call('POST', `/${id}/cancel`)
    expect((await call('DELETE', `/${id}`)).status).toBe(204)
    expect(await call('GET', `/${id}`)).toMatchObject({ status: 404, body: { code: 'task.unknown' } })
    await untilType(reader, 'task.deleted')
    const types = reader.events.map(({ type }) => type).filter((type) => type !== 'task.progress')
    expect(types).toEqual(['task.queued', 'task.running', 'task.renamed', 'task.cancelled', 'task.deleted'])
  })

  test('of many short ones starts as soon as the previous one has ended', async () => {
    const owner = newOwner()
    await using reader = await openStream(a.url, [`tasks.${owner}.*`])
    await Promise.all(Array.from({ length: 60 }, () => start(owner, { seconds: 0 })))
    const since = performance.now()
    await reader.until(({ frames }) => frames.filter(({ event }) => event === 'task.succeeded').length === 60)
    // Four workers that only poll would take fifteen seconds: the same number of queries, but further apart.
    expect(performance.now() - since).toBeLessThan(12_000)
  }, 20_000)

  test('with one idempotency key is started once', async () => {
    const headers = { 'idempotency-key': crypto.randomUUID(), 'x-user': newOwner() }
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        call('POST', '', { kind: 'demo', input: { seconds: 0 } }, headers, index % 2 ? a.url : b.url),
      ),
    )
    expect(results.map(({ status }) => status)).toEqual(results.map(() => 202))
    expect(new Set(results.map(({ body }) => body.id)).size).toBe(1)
  })
})

describe('changes meant for an older version', () => {
  test('are refused with 412', async () => {
    const owner = newOwner()
    await using reader = await openStream(a.url, [`tasks.${owner}.*`])
    const { id } = await start(owner, { seconds: 0 })
    await untilType(reader, 'task.succeeded')
    const { version } = (await call('GET', `/${id}`)).body
    const stale = { 'if-match': '"1"' }
    const conflict = { status: 412, body: { code: 'task.version_conflict', version } }
    expect(await call('PATCH', `/${id}`, { description: 'x' }, stale)).toMatchObject(conflict)
    expect(await call('POST', `/${id}/cancel`, undefined, stale)).toMatchObject(conflict)
    expect(await call('POST', `/${id}/retry`, undefined, stale)).toMatchObject(conflict)
    expect(await call('DELETE', `/${id}`, undefined, stale)).toMatchObject(conflict)
    expect((await call('DELETE', `/${id}`, undefined, { 'if-match': `"${version}"` })).status).toBe(204)
  })
})

describe('a list of tasks', () => {
  test('is newest first, filtered, in pages', async () => {
    const owner = newOwner()
    await using reader = await openStream(a.url, [`tasks.${owner}.*`])
    const ids: number[] = []
    for (let count = 0; count < 3; count++) ids.unshift((await start(owner, { seconds: 0 })).id)
    await reader.until(({ events }) => events.filter(({ type }) => type === 'task.succeeded').length === 3)
    const idsOf = (body: { tasks: Task[] }) => body.tasks.map(({ id }) => id)
    const first = (await call('GET', `?owner=${owner}&limit=2`)).body
    expect([idsOf(first), first.next]).toEqual([ids.slice(0, 2), ids[1]])
    const second = (await call('GET', `?owner=${owner}&limit=2&before=${first.next}`)).body
    expect([idsOf(second), second.next]).toEqual([ids.slice(2), null])
    expect(idsOf((await call('GET', `?owner=${owner}&state=succeeded&kind=demo`)).body)).toEqual(ids)
    expect((await call('GET', `?owner=${owner}&state=failed`)).body.tasks).toEqual([])
    expect((await call('GET', '/count')).body).toMatchObject({
      counts: { succeeded: expect.any(Number) },
      cursor: expect.any(String),
    })
  })
})

describe('the stream of a task that has ended', () => {
  const connect = (channels: string[], lastEventId?: number) =>
    fetch(`${a.url}/events?${new URLSearchParams(channels.map((channel) => ['channel', channel]))}`, {
      headers: {
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'last-event-id': String(lastEventId) }),
      },
    })
  const statusOf = async (response: Response) => {
    await response.body?.cancel()
    return response.status
  }

  test('is over for a client that has seen its last event, and only for that one', async () => {
    const owner = newOwner()
    await using reader = await openStream(a.url, [`tasks.${owner}.*`])
    const { id } = await start(owner, { seconds: 0 })
    const channel = `tasks.${owner}.${id}`
    await untilType(reader, 'task.succeeded')
    const last = reader.events.at(-1)?.position ?? 0
    expect(await statusOf(await connect([channel], last))).toBe(204)
    expect(await statusOf(await connect([channel], last - 1))).toBe(200)
    expect(await statusOf(await connect([channel]))).toBe(200)
    expect(await statusOf(await connect([channel, 'broadcast'], last))).toBe(200)
    expect(await statusOf(await connect([`tasks.${owner}.*`], last))).toBe(200)
    expect(await statusOf(await connect([`tasks.${owner}.${id + 1_000_000}`], last))).toBe(200)
    expect(await statusOf(await connect([`tasks.another-owner.${id}`], last))).toBe(204)
    await call('DELETE', `/${id}`)
    await untilType(reader, 'task.deleted')
    const deleted = reader.events.at(-1)?.position ?? 0
    expect(await statusOf(await connect([channel], last))).toBe(200)
    expect(await statusOf(await connect([channel], deleted))).toBe(204)
  })

  test('continues when the task is retried', async () => {
    const owner = newOwner()
    await using reader = await openStream(a.url, [`tasks.${owner}.*`])
    const { id } = await start(owner, { seconds: 60 })
    await call('POST', `/${id}/cancel`)
    await untilType(reader, 'task.cancelled')
    const last = reader.events.at(-1)?.position ?? 0
    const channel = `tasks.${owner}.${id}`
    expect(await statusOf(await connect([channel], last))).toBe(204)
    await call('POST', `/${id}/retry`)
    expect(await statusOf(await connect([channel], last))).toBe(200)
    await call('POST', `/${id}/cancel`)
  })
})

test('an instance that stops waits for its tasks, and queues those that take longer again', async () => {
  const owner = newOwner()
  await using own = await createDatabase()
  await using first = await startInstance(own.url, { WORKER_CONCURRENCY: '4', SHUTDOWN_TIMEOUT_MS: '3000' })
  await using watching = await startInstance(own.url, { WORKER_CONCURRENCY: '0' })
  await using reader = await openStream(watching.url, [`tasks.${owner}.*`])
  const short = await start(owner, { seconds: 0.8 }, first.url)
  const long = await start(owner, { seconds: 60 }, first.url)
  await reader.until(({ events }) => events.filter(({ type }) => type === 'task.running').length === 2)
  await first.stop()
  const states = await Promise.all(
    [short, long].map(async ({ id }) => (await call('GET', `/${id}`, undefined, {}, watching.url)).body),
  )
  expect(states.map(({ state, error }) => [state, error])).toEqual([
    ['succeeded', null],
    ['queued', null],
  ])
  await using second = await startInstance(own.url, { WORKER_CONCURRENCY: '1' })
  await reader.until(({ events }) => events.filter(({ type }) => type === 'task.running').length === 3)
  expect(await running(second)).toBe(1)
  await call('POST', `/${long.id}/cancel`, undefined, {}, second.url)
}, 20_000)

describe('bad input', () => {
  test.each([
    [{ kind: 'dance' }, 'kind', 400],
    [{ kind: 'import', input: {} }, 'kind', 400],
    [{ kind: 'demo', input: { seconds: -1 } }, 'input.seconds', 400],
    [{ kind: 'demo', input: { seconds: '3' } }, 'input.seconds', 400],
    [{ kind: 'demo', input: { speed: 3 } }, 'input.speed', 400],
    [{ kind: 'report', input: { from: 'yesterday' } }, 'input.from', 400],
    [{ kind: 'demo', state: 'succeeded' }, 'state', 400],
    [{ kind: 'demo', description: ' ' }, 'description', 400],
    [{}, 'kind', 400],
  ])('%j is refused, with the path of the problem', async (body, path, status) => {
    expect(await call('POST', '', body)).toMatchObject({ status, body: { code: 'request.invalid', path } })
  })

  test('in the address or the headers is refused too', async () => {
    expect(await call('GET', '/abc')).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
    expect(await call('GET', '?state=lost')).toMatchObject({ status: 400 })
    expect(await call('POST', '', { kind: 'demo' }, { 'x-user': 'a b' })).toMatchObject({
      status: 400,
      body: { code: 'user.invalid' },
    })
    expect(await call('GET', '/99999999')).toMatchObject({ status: 404, body: { code: 'task.unknown' } })
    expect(await call('PUT', '/1', {})).toMatchObject({ status: 405 })
  })
})

/** Tasks that an instance runs, from its metrics. */
async function running(instance: Runtime): Promise<number> {
  const text = await (await fetch(`${instance.url}/metrics`)).text()
  return Number(/^sse_update_tasks_running (\d+)/m.exec(text)?.[1])
}

test('every state and kind of the schema is one that Postgres takes', async () => {
  for (const state of STATES)
    for (const kind of KINDS) {
      await database.sql`insert into sse.tasks (kind, owner, description, input, state) values (${kind}, 'schema', '', '{}', ${state})`
    }
  const [row] = await database.sql<
    { count: number }[]
  >`select count(*)::int as count from sse.tasks where owner = 'schema'`
  expect(row?.count).toBe(STATES.length * KINDS.length)
})
