// One signed-in person against another. server/shop/access.pg.test.ts has the rules of each route; here are the ways around them.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { type Answer, ask, type Question } from '../../testing/ask.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { type TestClaims, TOKEN_SECRET } from '../../testing/tokens.ts'

const OPERATOR: TestClaims = { sub: 'olga', role: 'operator' }
const VICTIM: TestClaims = { sub: 'victim' }
const MALLORY: TestClaims = { sub: 'mallory' }
/** Is in everything that the victim has. */
const SECRET = 'a-secret-of-the-victim'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  // No task runs: each keeps the state that the test gives it.
  instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, WORKER_CONCURRENCY: '0' })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const asMallory = (route: string, question: Question = {}) => ask(instance.url, route, { as: MALLORY, ...question })
const idOf = (rows: readonly { id: number }[]) => Number(rows[0]?.id)

const insertTask = async (state: string) =>
  idOf(
    await database.sql<{ id: number }[]>`
    with task as (
      insert into sse.tasks (kind, owner, description, input, state, files)
      values ('report', ${VICTIM.sub}, ${SECRET}, '{}', ${state},
              '[{"name":"report.csv","contentType":"text/csv","bytes":22}]') returning id
    ), file as (
      insert into sse.files (task, role, name, content_type, bytes)
      select id, 'result', 'report.csv', 'text/csv', 22 from task returning id
    ), part as (
      insert into sse.file_parts (file, part, content) select id, 0, convert_to(${SECRET}, 'UTF8') from file
    )
    select id from task`,
  )
const insertOrder = async (status: string) =>
  idOf(
    await database.sql<{ id: number }[]>`
    insert into sse.orders (customer, currency, lines, total, status)
    values (${VICTIM.sub}, 'EUR', ${`[{"sku":"${SECRET}","name":"Tea","quantity":1,"unitPrice":9}]`}::text::jsonb, 9, ${status})
    returning id`,
  )

/** The answer without the ID that was asked for and without the time. */
const shape = ({ status, headers, text }: Answer, id: number) => ({
  status,
  text: text.replace(new RegExp(`\\b${id}\\b`, 'g'), '{id}'),
  headers: Object.fromEntries([...headers].filter(([name]) => name !== 'date' && name !== 'content-length')),
})

const RESOURCES = [
  {
    name: 'task',
    states: ['queued', 'running', 'succeeded', 'failed', 'cancelled'],
    insert: insertTask,
    routes: [
      'GET /api/tasks/{id}',
      'HEAD /api/tasks/{id}',
      'OPTIONS /api/tasks/{id}',
      'PATCH /api/tasks/{id}',
      'DELETE /api/tasks/{id}',
      'POST /api/tasks/{id}/cancel',
      'POST /api/tasks/{id}/retry',
      'GET /api/tasks/{id}/files/report.csv',
      'HEAD /api/tasks/{id}/files/report.csv',
      'GET /api/tasks/{id}/files/none.csv',
    ],
    bodies: [{ description: 'mine' }, {}],
  },
  {
    name: 'order',
    states: ['pending', 'paid', 'shipped', 'cancelled'],
    insert: insertOrder,
    routes: [
      'GET /api/orders/{id}',
      'HEAD /api/orders/{id}',
      'OPTIONS /api/orders/{id}',
      'DELETE /api/orders/{id}',
      'POST /api/orders/{id}/transitions',
    ],
    bodies: [{ to: 'paid' }, { to: 'shipped' }, { to: 'none' }],
  },
]

/** Conditions by which a resource that exists would answer otherwise: with 304, 412, 206 or an entity tag. */
const CONDITIONS: Record<string, string>[] = [
  {},
  { 'if-match': '"1"' },
  { 'if-match': '"99"' },
  { 'if-match': '*' },
  { 'if-none-match': '"1"' },
  { 'if-none-match': '*' },
  { 'if-modified-since': 'Fri, 31 Dec 2100 00:00:00 GMT' },
  { range: 'bytes=0-3' },
  { 'x-user': VICTIM.sub },
  { 'x-http-method-override': 'DELETE' },
]

describe.each(RESOURCES)(
  "the answer to every request for another person's $name",
  ({ states, insert, routes, bodies, name }) => {
    test.each(states)(
      'is that for one that does not exist, when it is %s, whatever the conditions and the body',
      async (state) => {
        const id = await insert(state)
        const unknown = id + 1_000_000
        const rowNow = async () =>
          (await database.sql.unsafe(`select t::text from sse.${name}s t where id = ${id}`))[0]?.t as string
        const before = await rowNow()
        for (const route of routes) {
          const sent = /^(?:PATCH|POST.*transitions)/.test(route) ? bodies : [undefined]
          for (const headers of CONDITIONS) {
            for (const body of sent) {
              const [answer, other] = await Promise.all(
                [id, unknown].map((each) => asMallory(route.replace('{id}', String(each)), { headers, body })),
              )
              const what = `${route} ${JSON.stringify({ headers, body })}`
              expect(shape(answer as Answer, id), what).toEqual(shape(other as Answer, unknown))
              expect(answer?.text, what).not.toContain(SECRET)
            }
          }
        }
        expect(await rowNow()).toBe(before)
      },
    )
  },
)

test('the idempotency key of another person does not tell that their task was deleted', async () => {
  const start = (as: TestClaims) =>
    ask(instance.url, 'POST /api/tasks', { as, body: { kind: 'demo' }, headers: { 'idempotency-key': 'k-1' } })
  const { id } = (await start(VICTIM)).body
  await ask(instance.url, `POST /api/tasks/${id}/cancel`, { as: VICTIM })
  expect((await ask(instance.url, `DELETE /api/tasks/${id}`, { as: VICTIM })).status).toBe(204)
  expect((await start(VICTIM)).status).toBe(410)
  const { status, body } = await start(MALLORY)
  expect([status, body.owner]).toEqual([202, 'mallory'])
})

test('X-User beside a token names nobody', async () => {
  const headers = { 'x-user': VICTIM.sub }
  expect((await asMallory('GET /session', { headers })).body.subject).toBe('mallory')
  const { body } = await asMallory('POST /api/tasks', { body: { kind: 'demo' }, headers })
  expect(body.owner).toBe('mallory')
})

test('no cache may store what a person has read', async () => {
  const order = await insertOrder('pending')
  const task = await insertTask('succeeded')
  const paths = [
    '/session',
    '/api/orders',
    `/api/orders/${order}`,
    '/api/orders/count',
    '/api/tasks',
    `/api/tasks/${task}`,
  ]
  for (const path of [...paths, `/api/tasks/${task}/files/report.csv`, '/api/notifications', '/events?limit=1']) {
    const { status, headers } = await ask(instance.url, `GET ${path}`, { as: VICTIM })
    expect([path, status, headers.get('cache-control')]).toEqual([path, 200, expect.stringContaining('no-store')])
  }
  for (const path of ['/metrics', '/api/cluster']) {
    const { status, headers } = await ask(instance.url, `GET ${path}`, { as: OPERATOR })
    expect([path, status, headers.get('cache-control')]).toEqual([path, 200, expect.stringContaining('no-store')])
  }
})

test('the public documents and health checks are the same for everybody, and name no user', async () => {
  for (const path of ['/openapi.json', '/asyncapi.json', '/healthz', '/readyz']) {
    const [anonymous, user, operator] = await Promise.all(
      [undefined, MALLORY, OPERATOR].map((as) => ask(instance.url, `GET ${path}`, { ...(as && { as }) })),
    )
    expect([path, anonymous?.status]).toEqual([path, 200])
    expect(user?.text).toBe(anonymous?.text as string)
    expect(operator?.text).toBe(anonymous?.text as string)
    expect(anonymous?.text).not.toMatch(/victim|mallory|olga|postgres:\/\//)
  }
})
