// SQL in every place of a request that the OpenAPI document names: path, query, headers, and each member of a body.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { ask, type Question } from '../../testing/ask.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { SQL_PAYLOADS } from '../../testing/sql-payloads.ts'
import { publish } from '../../testing/stream-reader.ts'
import { bearer, type TestClaims, TOKEN_SECRET } from '../../testing/tokens.ts'

const SENDERS: TestClaims[] = [
  { sub: 'mallory', publish: ['chat.{sub}', 'notifications.>', 'broadcast'] },
  { sub: 'olga', role: 'operator' },
]
const VICTIM: TestClaims = { sub: 'victim' }
/** Is in every row of the victim. */
const SECRET = 'a-secret-of-the-victim'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let ids: { tasks: number; orders: number; notifications: number }
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, {
    JWT_SECRET: TOKEN_SECRET,
    WORKER_CONCURRENCY: '0',
    TASKS_PER_OWNER: '100000',
    TRUSTED_PROXIES: '127.0.0.1',
  })
  const operator = { as: SENDERS[1] as TestClaims }
  const line = { sku: 'A1', name: SECRET, quantity: 1, unitPrice: 1 }
  const create = async (path: string, body: object, question: Question) =>
    Number((await ask(instance.url, `POST ${path}`, { ...question, body })).body.id)
  ids = {
    tasks: await create('/api/tasks', { kind: 'demo', description: SECRET }, { as: VICTIM }),
    orders: await create('/api/orders', { customer: 'victim', currency: 'EUR', lines: [line] }, { as: VICTIM }),
    notifications: await create('/api/notifications', { to: ['victim'], title: SECRET }, operator),
  }
  await publish(
    instance.url,
    [{ channel: 'private.victim', type: SECRET, data: SECRET }],
    await bearer({ ...operator.as }),
  )
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** Valid bodies, of which each member is replaced in turn. */
const BODIES: Record<string, unknown[]> = {
  'POST /events': [
    { channel: 'chat.mallory', type: 't', data: { a: ['b'] }, key: 'k' },
    [{ channel: 'chat.mallory', type: 't' }],
  ],
  'POST /api/orders': [
    { customer: 'mallory', currency: 'EUR', lines: [{ sku: 'A1', name: 'Tea', quantity: 2, unitPrice: 450 }] },
  ],
  'POST /api/orders/{id}/transitions': [{ to: 'paid' }],
  'POST /api/tasks': [
    { kind: 'demo', description: 'd', input: { seconds: 1 } },
    { kind: 'report', input: { from: '2026-01-01', to: '2026-02-01' } },
  ],
  'PATCH /api/tasks/{id}': [{ description: 'd' }],
  'POST /api/notifications': [
    { to: ['mallory'], title: 'Hello', body: 'b', level: 'info', link: '/x' },
    { to: 'everyone', title: 'Hello' },
  ],
  'POST /api/notifications/read': [{ through: 1 }],
  'POST /api/lab/faults': [{ fault: 'disconnect-streams' }],
}

/** Copies of a value, in each of which one member, name or item is the payload. */
function* replaced(value: unknown, payload: string): Generator<unknown> {
  yield payload
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield { ...value, [payload]: 1 }
  for (const [name, member] of Object.entries(value)) {
    for (const each of replaced(member, payload)) {
      yield Array.isArray(value) ? value.with(Number(name), each) : { ...value, [name]: each }
    }
  }
}

interface Parameter {
  in: 'path' | 'query' | 'header'
  name: string
}
type Documented = Record<string, Record<string, { parameters?: Parameter[] }>>

const idIn = (path: string) => ids[path.split('/')[2] as keyof typeof ids]
const fill = (path: string, { name, value }: { name: string; value: string }) =>
  path
    .replace(`{${name}}`, encodeURIComponent(value))
    .replace('{id}', String(idIn(path)))
    .replace('{name}', 'report.csv')

/** Every request that has the payload in one place. */
function* requests(
  route: string,
  parameters: Parameter[],
  payload: string,
): Generator<[route: string, question: Question]> {
  const [method = '', path = ''] = route.split(' ')
  const [body] = BODIES[route] ?? []
  const address = `${method} ${fill(path, { name: '', value: '' })}`
  const question = body === undefined ? {} : { body }
  for (const { in: place, name } of parameters) {
    if (place === 'path') yield [`${method} ${fill(path, { name, value: payload })}`, question]
    if (place === 'query')
      yield [
        `${address}?${new URLSearchParams({ [name]: payload, ...(['type', 'since', 'until'].includes(name) && { before: 'latest' }) })}`,
        question,
      ]
    // Other characters can't be in a header at all.
    if (place === 'header' && /^[ -~]+$/.test(payload)) yield [address, { ...question, headers: { [name]: payload } }]
  }
  yield [`${address}?${encodeURIComponent(payload)}=1`, question]
  for (const valid of BODIES[route] ?? []) for (const each of replaced(valid, payload)) yield [address, { body: each }]
  if (/^[ -~]+$/.test(payload)) yield [address, { ...question, headers: { 'content-type': payload, accept: payload } }]
}

/** The rows of the victim, and all tables and functions, as the owner of the database sees them. */
const state = async () =>
  JSON.stringify(
    await database.sql`
      select (select json_agg(t) from sse.tasks t where owner = 'victim') as tasks,
        (select json_agg(o) from sse.orders o where customer = 'victim') as orders,
        (select json_agg(d) from sse.notification_deliveries d where person = 'victim' and notification = ${ids.notifications}) as inbox,
        (select json_agg(l) from sse.log l where channel = 'private.victim') as events,
        (select count(*) from sse.log where channel = 'injected') + (select count(*) from sse.outbox where channel = 'injected') as injected,
        (select json_agg(c.oid::regclass::text order by 1) from pg_class c join pg_namespace n on n.oid = relnamespace
          where nspname in ('sse', 'public') and relkind in ('r', 'p')) as tables,
        (select count(*) from pg_proc) as functions, (select json_agg(rolname order by 1) from pg_roles) as roles`,
  )

let addresses = 0
/** Another one for each request: repeated refusals of one are delayed. */
const nextAddress = () => `10.${++addresses >> 16}.${(addresses >> 8) & 255}.${addresses & 255}`

const documented = async () => ((await ask(instance.url, 'GET /openapi.json')).body as { paths: Documented }).paths

test('every documented route that takes JSON has a body in this test', async () => {
  const taking = Object.entries(await documented()).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => JSON.stringify(operation).includes('"requestBody":{') && path !== '/api/orders/import')
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  )
  expect(taking.sort()).toEqual(Object.keys(BODIES).sort())
})

describe.each(SENDERS)('SQL in any place of a request of $sub', (as) => {
  test.each(SQL_PAYLOADS)(
    '%j is data: it fails nothing, waits for nothing, and reaches no row of another user',
    async (payload) => {
      const before = await state()
      let count = 0
      for (const [path, operations] of Object.entries(await documented())) {
        for (const [method, { parameters = [] }] of Object.entries(operations)) {
          // An operator may change what belongs to the victim.
          if (as.role === 'operator' && path.includes('{id}') && method !== 'get') continue
          for (const [route, question] of requests(`${method.toUpperCase()} ${path}`, parameters, payload)) {
            count++
            const headers = { 'x-forwarded-for': nextAddress(), ...question.headers }
            const { status, text } = await ask(instance.url, route, { ...question, as, headers })
            const what = `${route} ${JSON.stringify(question)}`
            expect([what, status < 500]).toEqual([what, true])
            if (as.role !== 'operator') expect(text, what).not.toContain(SECRET)
          }
        }
      }
      expect(count).toBeGreaterThan(100)
      expect(await state()).toBe(before)
    },
  )
})

test('what was sent as SQL is stored and found as text', async () => {
  const as = SENDERS[1] as TestClaims
  for (const payload of SQL_PAYLOADS.filter((each) => each !== '\u0000')) {
    const { body: task } = await ask(instance.url, 'POST /api/tasks', {
      as,
      body: { kind: 'demo', description: payload },
    })
    expect((await ask(instance.url, `GET /api/tasks/${task.id}`, { as })).body.description).toBe(payload)
    const lines = [{ sku: payload, name: payload, quantity: 1, unitPrice: 1 }]
    const { body: order } = await ask(instance.url, 'POST /api/orders', {
      as,
      body: { customer: 'c', currency: 'EUR', lines },
    })
    expect((await ask(instance.url, `GET /api/orders/${order.id}`, { as })).body.lines).toEqual(lines)
    const event = { channel: 'texts', type: payload, data: { [payload]: payload }, key: payload }
    expect((await ask(instance.url, 'POST /events', { as, body: event })).status, payload).toBe(201)
    const query = new URLSearchParams({ before: 'latest', type: payload, channel: 'texts' })
    const { events } = (await ask(instance.url, `GET /events?${query}`, { as })).body
    expect(events.map(({ data }: { data: unknown }) => data)).toEqual([event.data])
  }
})
