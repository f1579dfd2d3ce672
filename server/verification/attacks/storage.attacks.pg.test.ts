import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import type { Task } from '../../shop/tasks/schema.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let other: Runtime & AsyncDisposable

beforeAll(async () => {
  database = await createDatabase()
  const settings = {
    RETENTION_INTERVAL_MS: '20',
    TASK_RETENTION: '1h',
    ORDER_RETENTION: '1h',
    NOTIFICATION_RETENTION: '1h',
    MAX_OWNER_BYTES: '100000',
  }
  ;[instance, other] = await Promise.all([
    startInstance(database.url, settings),
    startInstance(database.url, { ...settings, WORKER_CONCURRENCY: '0' }),
  ])
})
afterAll(async () => {
  await Promise.all([instance[Symbol.asyncDispose](), other[Symbol.asyncDispose]()])
  await database[Symbol.asyncDispose]()
})

const newOwner = () => `o-${crypto.randomUUID()}`

async function post(path: string, body: object | string, headers: Record<string, string>) {
  const type = typeof body === 'string' ? 'text/csv' : 'application/json'
  const response = await fetch(`${instance.url}/api/${path}`, {
    method: 'POST',
    headers: { 'content-type': type, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}

const untilNone = (find: () => Promise<readonly unknown[]>) =>
  until('the query finds nothing', find, ({ length }) => length === 0)

const ORDER = { customer: 'ann', currency: 'EUR', lines: [{ sku: 'A', name: 'Tea', quantity: 1, unitPrice: 1 }] }
const CSV = 'customer,currency,sku,name,quantity,unit_price\na b,EUR,A1,Tea,1,450\n'

describe('retention deletes', () => {
  test('ended tasks with inputs and results, and publishes an event for each; a late repetition of the request gets 410', async () => {
    const owner = newOwner()
    const headers = { 'x-user': owner, 'idempotency-key': crypto.randomUUID() }
    await using reader = await openStream(instance.url, [`tasks.${owner}.*`])
    const { id } = (await post('orders/import', CSV, headers)).body as Task
    await reader.until(({ events }) => events.some(({ type }) => type === 'task.succeeded'))
    const files = await database.sql<{ id: string }[]>`select id from sse.files where task = ${id}`
    expect(files).toHaveLength(2)
    const [{ version } = { version: 0 }] = await database.sql<{ version: number }[]>`
      update sse.tasks set ended_at = now() - interval '61 minutes' where id = ${id} returning version`
    await reader.until(({ events }) => events.some(({ type }) => type === 'task.deleted'))
    expect(reader.events.at(-1)).toMatchObject({ data: { task: { id, version: version + 1 } } })
    const ids = files.map((file) => file.id)
    const findParts = () => database.sql`select from sse.file_parts where file = any (${ids}::uuid[])`
    await untilNone(findParts)
    await untilNone(() => database.sql`select from sse.files where id = any (${ids}::uuid[])`)
    expect(await post('orders/import', CSV, headers)).toMatchObject({ status: 410, body: { code: 'key.deleted' } })
  })

  test('thousands of tasks by two instances together, each once, except a row that a client has locked', async () => {
    const owner = newOwner()
    await using reader = await openStream(other.url, [`tasks.${owner}.*`])
    await database.sql.begin(async (sql) => {
      const [locked] = await database.sql<{ id: number }[]>`
        insert into sse.tasks (kind, owner, description, input, state, ended_at)
        values ('demo', ${owner}, 'locked', '{}', 'failed', 'infinity') returning id`
      await sql`select from sse.tasks where id = ${locked?.id ?? 0} for update`
      await sql`update sse.tasks set ended_at = now() - interval '2 hours' where id = ${locked?.id ?? 0}`
      await database.sql`
        insert into sse.tasks (kind, owner, description, input, state, ended_at)
        select 'demo', ${owner}, '', '{}', 'succeeded', now() - interval '61 minutes' from generate_series(1, 2000)`
      await reader.untilEvents(2000)
      expect(await sql`select from sse.tasks where id = ${locked?.id ?? 0}`).toHaveLength(1)
    })
    await reader.untilEvents(2001)
    const ids = reader.events.map(({ data }) => (data as { task: Task }).task.id)
    expect(new Set(ids).size).toBe(2001)
  }, 20_000)

  test('no queued or running tasks, however old they are', async () => {
    const owner = newOwner()
    const { id } = (await post('tasks', { kind: 'demo', input: { seconds: 600 } }, { 'x-user': owner })).body as Task
    await database.sql`update sse.tasks set created_at = now() - interval '1 year' where id = ${id}`
    const [probe] = await database.sql<{ id: number }[]>`
      insert into sse.tasks (kind, owner, description, input, state, ended_at)
      values ('demo', ${owner}, '', '{}', 'failed', now() - interval '1 year') returning id`
    await untilNone(() => database.sql`select from sse.tasks where id = ${probe?.id ?? 0}`)
    expect(await database.sql`select from sse.tasks where id = ${id}`).toHaveLength(1)
  })

  test('abandoned uploads, and no others', async () => {
    const [old, fresh] = await database.sql<{ id: string }[]>`
      insert into sse.files (role, name, content_type, created_at)
      select 'input', 'x.csv', 'text/csv', now() - interval '23 hours' from generate_series(1, 2) returning id`
    await database.sql`
      insert into sse.file_parts (file, part, content) select ${old?.id ?? ''}::uuid, n, '\\x00' from generate_series(1, 200) n`
    await database.sql`update sse.files set created_at = now() - interval '25 hours' where id = ${old?.id ?? ''}`
    await untilNone(() => database.sql`select from sse.files where id = ${old?.id ?? ''}`)
    expect(await database.sql`select from sse.files where id = ${fresh?.id ?? ''}`).toHaveLength(1)
  })

  test('delivered and cancelled orders, and publishes an event for each; open ones stay', async () => {
    const headers = { 'x-user': newOwner(), 'idempotency-key': crypto.randomUUID() }
    const { id } = (await post('orders', ORDER, headers)).body as { id: number }
    const open = (await post('orders', ORDER, {})).body as { id: number }
    await using reader = await openStream(instance.url, [`orders.ann.${id}`])
    await database.sql`update sse.orders set updated_at = now() - interval '1 year' where id = ${open.id}`
    await database.sql`
      update sse.orders set status = 'delivered', updated_at = now() - interval '61 minutes' where id = ${id}`
    await reader.until(({ events }) => events.some(({ type }) => type === 'order.deleted'))
    expect(reader.events.at(-1)).toMatchObject({ data: { order: { id, version: 2 } } })
    expect(await database.sql`select from sse.orders where id = ${open.id}`).toHaveLength(1)
    expect(await post('orders', ORDER, headers)).toMatchObject({ status: 410, body: { code: 'key.deleted' } })
  })

  test('notifications with thousands of readers; none becomes unread again, and a late repetition gets 410', async () => {
    const person = newOwner()
    const headers = { 'x-user': newOwner(), 'idempotency-key': crypto.randomUUID() }
    const message = { to: 'everyone', title: 'Stocktaking' }
    const { id } = (await post('notifications', message, headers)).body as { id: number }
    await database.sql`
      insert into sse.notification_deliveries (person, notification, read_at)
      select 'p' || n, ${id}::bigint, now() from generate_series(1, 12000) n
      union all select ${person}, ${id}::bigint, now()`
    await database.sql`update sse.notifications set created_at = now() - interval '61 minutes' where id = ${id}`
    const inbox = async () => {
      const response = await fetch(`${instance.url}/api/notifications`, { headers: { 'x-user': person } })
      return ((await response.json()) as { unread: number }).unread
    }
    const unread = new Set<number>()
    const find = async () => {
      unread.add(await inbox())
      return database.sql`select from sse.notifications where id = ${id}`
    }
    await untilNone(find)
    expect([...unread]).toEqual([0])
    expect(await database.sql`select from sse.notification_deliveries where notification = ${id}`).toHaveLength(0)
    expect(await post('notifications', message, headers)).toMatchObject({ status: 410, body: { code: 'key.deleted' } })
  }, 20_000)

  test('totals of failed reports, keys of deleted rows, and locks of owners', async () => {
    const owner = newOwner()
    const [failed] = await database.sql<{ id: number }[]>`
      insert into sse.tasks (kind, owner, description, input, state, ended_at)
      values ('report', ${owner}, '', '{}', 'failed', now()) returning id`
    await database.sql`
      insert into sse.report_totals (task, dimension, key, currency, orders, quantity, revenue)
      select ${failed?.id ?? 0}::bigint, 'sku', n::text, 'EUR', 1, 1, 1 from generate_series(1, 6000) n`
    await database.sql`insert into sse.deleted_keys (key, deleted_at) values (${owner}, now() - interval '8 days')`
    await database.sql`insert into sse.task_owners (owner, used_at) values (${owner}, now() - interval '1 day')`
    const find = () => database.sql`
      select from sse.report_totals where task = ${failed?.id ?? 0}
      union all select from sse.deleted_keys where key = ${owner}
      union all select from sse.task_owners where owner = ${owner}`
    await untilNone(find)
  })
})

describe('the files of one owner', () => {
  test('beyond MAX_OWNER_BYTES are refused with 409 and leave no rows, until tasks are deleted', async () => {
    const owner = newOwner()
    const headers = { 'x-user': owner }
    await using reader = await openStream(instance.url, [`tasks.${owner}.*`])
    const body = CSV + 'x'.repeat(60_000)
    const first = await post('orders/import?name=a.csv', body, headers)
    expect(first.status).toBe(202)
    const refused = await post('orders/import?name=b.csv', body, headers)
    expect(refused).toMatchObject({ status: 409, body: { code: 'storage.exceeded', limit: 100_000 } })
    expect(await database.sql`select from sse.files where task is null and name = 'b.csv'`).toHaveLength(0)
    expect((await post('orders/import', body, { 'x-user': newOwner() })).status).toBe(202)
    await reader.until(({ events }) => events.some(({ type }) => type === 'task.succeeded'))
    await fetch(`${instance.url}/api/tasks/${first.body.id}`, { method: 'DELETE' })
    expect((await post('orders/import', body, headers)).status).toBe(202)
  })
})
