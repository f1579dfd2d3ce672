import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { holdLock } from '../testing/held-lock.ts'
import { startInstance } from '../testing/instance.ts'
import { bearer, type TestClaims, TOKEN_SECRET } from '../testing/tokens.ts'
import { sendUnfinished } from '../testing/unfinished-request.ts'

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

const OPERATOR: TestClaims = { sub: 'olga', role: 'operator' }
const newUser = (name = 'u'): TestClaims => ({ sub: `${name}-${crypto.randomUUID()}` })
const LINES = [{ sku: 'A1', name: 'Tea', quantity: 2, unitPrice: 450 }]
const orderOf = (customer: string) => ({ customer, currency: 'EUR', lines: LINES })

async function call(as: TestClaims | null, route: string, body?: unknown, headers: Record<string, string> = {}) {
  const [method = '', path] = route.split(' ')
  const response = await fetch(`${instance.url}${path}`, {
    method,
    headers: {
      ...(as && (await bearer(as))),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

/** Each inserts a row of a user and returns its id. */
const insertOrder = async ({ sub }: TestClaims) => {
  const rows = await database.sql<{ id: number }[]>`
    insert into sse.orders (customer, currency, lines, total)
    values (${sub}, 'EUR', ${JSON.stringify(LINES)}::text::jsonb, 900) returning id`
  return Number(rows[0]?.id)
}
const insertTask =
  (state: string, kind = 'demo') =>
  async ({ sub }: TestClaims) => {
    const files = [{ name: 'report.csv', contentType: 'text/csv', bytes: 4 }]
    const rows = await database.sql<{ id: number }[]>`
      with task as (
        insert into sse.tasks (kind, owner, description, input, state, files)
        values (${kind}, ${sub}, 'a task', '{}', ${state}, ${JSON.stringify(files)}::text::jsonb) returning id
      ), file as (
        insert into sse.files (task, role, name, content_type, bytes)
        select id, 'result', 'report.csv', 'text/csv', 4 from task returning id
      ), part as (
        insert into sse.file_parts (file, part, content) select id, 0, convert_to('a,b' || chr(10), 'UTF8') from file
      )
      select id from task`
    return Number(rows[0]?.id)
  }
const insertNotification = async ({ sub }: TestClaims) =>
  (await call(OPERATOR, 'POST /api/notifications', { to: [sub], title: 'Hello' })).body.id as number

interface RouteOfOne {
  insert: (owner: TestClaims) => Promise<number>
  /** Of the owner's request, and of an operator's. */
  status: number
  body?: unknown
}

/** The routes of one order, task or notification. */
const OF_ONE: Record<string, RouteOfOne> = {
  'GET /api/orders/{id}': { insert: insertOrder, status: 200 },
  'DELETE /api/orders/{id}': { insert: insertOrder, status: 204 },
  'POST /api/orders/{id}/transitions': { insert: insertOrder, status: 200, body: { to: 'paid' } },
  'GET /api/tasks/{id}': { insert: insertTask('queued'), status: 200 },
  'PATCH /api/tasks/{id}': { insert: insertTask('queued'), status: 200, body: { description: 'renamed' } },
  'DELETE /api/tasks/{id}': { insert: insertTask('succeeded'), status: 204 },
  'POST /api/tasks/{id}/cancel': { insert: insertTask('queued'), status: 200 },
  'POST /api/tasks/{id}/retry': { insert: insertTask('cancelled'), status: 202 },
  'GET /api/tasks/{id}/files/{name}': { insert: insertTask('succeeded', 'report'), status: 200 },
  'POST /api/notifications/{id}/read': { insert: insertNotification, status: 200 },
}
const addressOf = (route: string, id: number | string) =>
  route.replace('{id}', String(id)).replace('{name}', 'report.csv')

/** The other routes, with a body that an operator may send. */
const OF_MANY: Record<string, unknown> = {
  'GET /api/orders': undefined,
  'GET /api/orders/count': undefined,
  'POST /api/orders': orderOf('alice'),
  'POST /api/orders/import': undefined,
  'GET /api/tasks': undefined,
  'GET /api/tasks/count': undefined,
  'POST /api/tasks': { kind: 'demo' },
  'GET /api/notifications': undefined,
  'POST /api/notifications': { to: 'everyone', title: 'Hello' },
  'POST /api/notifications/read': {},
}

/** The table that a route reads and changes. */
const tableOf = (route: string) => `sse.${/\/api\/(\w+)/.exec(route)?.[1]}`

/** A row as text, by which a change of it is noticed. */
const rowOf = async (route: string, id: number) =>
  (await database.sql.unsafe(`select t::text as row from ${tableOf(route)} t where id = ${id}`))[0]?.row as string

/** What a client sees of a response, without the id that it sent and without the time. */
const seen = ({ status, headers, text }: Awaited<ReturnType<typeof call>>, id: number) => ({
  status,
  text: text.replaceAll(String(id), '{id}'),
  headers: Object.fromEntries([...headers].filter(([name]) => name !== 'date' && name !== 'content-length')),
})

test('the routes of this test are all that there are', async () => {
  const { paths } = (await call(null, 'GET /openapi.json')).body as { paths: Record<string, object> }
  const documented = Object.entries(paths)
    .filter(([path]) => /^\/api\/(?:orders|tasks|notifications)/.test(path))
    .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
  expect(documented.sort()).toEqual([...Object.keys(OF_ONE), ...Object.keys(OF_MANY)].sort())
})

describe('without a credential', () => {
  for (const [route, body] of [
    ...Object.entries(OF_MANY),
    ...Object.entries(OF_ONE).map(([r, { body: b }]) => [r, b]),
  ]) {
    test(`${route} is refused with 401, before its body is looked at`, async () => {
      const address = addressOf(String(route), 1)
      for (const sent of [body, ...(body === undefined ? [] : ['{'])]) {
        const { status, body: problem, headers } = await call(null, address, sent)
        expect([status, problem.code, headers.has('www-authenticate')]).toEqual([401, 'auth.required', true])
      }
    })
  }
})

describe('what belongs to another user', () => {
  for (const [route, { insert, status, body }] of Object.entries(OF_ONE)) {
    test(`${route} is for its owner`, async () => {
      const owner = newUser()
      expect((await call(owner, addressOf(route, await insert(owner)), body)).status).toBe(status)
    })

    test(`${route} is as if it did not exist, and is not changed`, async () => {
      const owner = newUser()
      const other = newUser()
      const id = await insert(owner)
      const before = await rowOf(route, id)
      const refused = await call(other, addressOf(route, id), body)
      expect(refused.status).toBe(404)
      const unknown = id + 1_000_000
      expect(seen(refused, id)).toEqual(seen(await call(other, addressOf(route, unknown), body), unknown))
      const stale = { 'if-match': '"77"' }
      expect((await call(other, addressOf(route, id), body, stale)).status).toBe(404)
      expect(await rowOf(route, id)).toBe(before)
      expect((await call(owner, addressOf(route, id), body)).status).toBe(status)
    })

    const isInbox = route.includes('notifications')
    test(`${route} ${isInbox ? 'is not for operators: an inbox has one reader' : 'is for operators too'}`, async () => {
      const { status: found } = await call(OPERATOR, addressOf(route, await insert(newUser())), body)
      expect(found).toBe(isInbox ? 404 : status)
    })

    test(`${route} takes no lock, and waits for none`, async () => {
      const owner = newUser()
      const id = await insert(owner)
      await database.sql`insert into sse.task_owners (owner) values (${owner.sub})`
      const row = await holdLock(database.sql, `select from ${tableOf(route)} where id = ${id} for update`)
      const queue = await holdLock(database.sql, `select from sse.task_owners where owner = '${owner.sub}' for update`)
      // It would wait for four seconds, and get 503.
      const { status: refused } = await call(newUser(), addressOf(route, id), body)
      await Promise.all([row.release(), queue.release()])
      expect(refused).toBe(404)
    })
  }
})

describe('a list', () => {
  for (const [path, member, filter, insert] of [
    ['/api/orders', 'orders', 'customer', insertOrder],
    ['/api/tasks', 'tasks', 'owner', insertTask('queued')],
  ] as const) {
    test(`${path} has what is the user's, in pages, and for an operator everything`, async () => {
      const [alice, bob] = [newUser(), newUser()]
      const own = [await insert(alice), await insert(alice)]
      const foreign = [await insert(bob), await insert(bob)]
      const idsOf = async (as: TestClaims, query: string) => {
        const { body } = await call(as, `GET ${path}?${query}`)
        return { ids: body[member].map(({ id }: { id: number }) => id), next: body.next }
      }
      expect(await idsOf(alice, '')).toEqual({ ids: own.toReversed(), next: null })
      expect(await idsOf(alice, 'limit=1')).toEqual({ ids: [own[1]], next: own[1] as number })
      expect(await idsOf(alice, `limit=1&before=${own[1]}`)).toEqual({ ids: [own[0]], next: null })
      expect(await idsOf(alice, `${filter}=${alice.sub}`)).toEqual({ ids: own.toReversed(), next: null })
      expect((await idsOf(OPERATOR, 'limit=4')).ids).toEqual([...own, ...foreign].toReversed())
      expect((await idsOf(OPERATOR, `${filter}=${bob.sub}`)).ids).toEqual(foreign.toReversed())
    })

    test(`${path} refuses a filter that names another user, whether there is one or not`, async () => {
      const bob = newUser()
      await insert(bob)
      for (const name of [bob.sub, 'unknown']) {
        const { status, body } = await call(newUser(), `GET ${path}?${filter}=${name}`)
        expect([status, body.code]).toEqual([403, 'access.denied'])
      }
    })

    test(`${path}/count counts what is the user's, and for an operator everything`, async () => {
      const [alice, bob] = [newUser(), newUser()]
      await Promise.all([insert(alice), insert(alice), insert(bob)])
      const totalOf = async (as: TestClaims) =>
        Object.values((await call(as, `GET ${path}/count`)).body.counts as Record<string, number>).reduce(
          (a, b) => a + b,
          0,
        )
      // At the same time: a user never shares the query of another one.
      const totals = await Promise.all([alice, bob, newUser(), alice, OPERATOR].map(totalOf))
      expect(totals.slice(0, 4)).toEqual([2, 1, 0, 2])
      expect(totals[4]).toBe(await database.sql.unsafe(`select from sse.${member}`).then(({ count }) => count))
    })
  }

  test('the inbox of another person is for operators', async () => {
    const alice = newUser()
    const id = await insertNotification(alice)
    const read = (as: TestClaims, query: string) => call(as, `GET /api/notifications${query}`)
    const idsIn = ({ body }: Awaited<ReturnType<typeof call>>) => body.notifications.map((n: { id: number }) => n.id)
    expect(idsIn(await read(alice, `?person=${alice.sub}`))).toContain(id)
    expect(idsIn(await read(OPERATOR, `?person=${alice.sub}`))).toContain(id)
    expect(idsIn(await read(newUser(), ''))).not.toContain(id)
    expect((await read(newUser(), `?person=${alice.sub}`)).body).toMatchObject({ status: 403, code: 'access.denied' })
    expect((await call(newUser(), 'POST /api/notifications/read', {})).body.ids).not.toContain(id)
  })
})

describe('creating', () => {
  const denied = { status: 403, code: 'access.denied' }
  const key = (name: string) => ({ 'idempotency-key': name })

  test('an order for another customer is for operators', async () => {
    const alice = newUser()
    expect((await call(alice, 'POST /api/orders', orderOf(alice.sub))).status).toBe(201)
    expect((await call(alice, 'POST /api/orders', orderOf('bob'))).body).toMatchObject(denied)
    expect((await call(OPERATOR, 'POST /api/orders', orderOf('bob'))).body).toMatchObject({ customer: 'bob' })
  })

  test('with the idempotency key of another user creates something else', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const start = (as: TestClaims) => call(as, 'POST /api/tasks', { kind: 'demo' }, key('k'))
    const first = (await start(alice)).body
    expect((await start(alice)).body.id).toBe(first.id)
    expect((await start(bob)).body).toMatchObject({ owner: bob.sub })
    expect((await start(OPERATOR)).body).toMatchObject({ owner: OPERATOR.sub })
    const order = (await call(alice, 'POST /api/orders', orderOf(alice.sub), key('k'))).body
    expect((await call(bob, 'POST /api/orders', orderOf(alice.sub), key('k'))).body).toMatchObject(denied)
    const byOperator = await call(OPERATOR, 'POST /api/orders', orderOf(alice.sub), key('k'))
    expect([byOperator.status, byOperator.body.id === order.id]).toEqual([201, false])
  })

  test('is not repeated by a user who is an operator no longer', async () => {
    const dora = newUser()
    const operator: TestClaims = { ...dora, role: 'operator' }
    const requests = [
      ['POST /api/orders', orderOf('bob')],
      ['POST /api/tasks', { kind: 'report' }],
      ['POST /api/notifications', { to: ['bob'], title: 'Hello' }],
    ] as const
    for (const [route, body] of requests) {
      expect((await call(operator, route, body, key('k'))).status).toBeLessThan(300)
      expect((await call(dora, route, body, key('k'))).body).toMatchObject(denied)
    }
    const id = await insertTask('failed', 'report')(dora)
    expect((await call(dora, `POST /api/tasks/${id}/retry`)).body).toMatchObject(denied)
    expect((await call(operator, `POST /api/tasks/${id}/retry`)).status).toBe(202)
  })

  test('reports and imports is for operators', async () => {
    const alice = newUser()
    const csv = 'customer,currency,sku,name,quantity,unit_price\nbob,EUR,A1,Tea,2,450\n'
    const asCsv = { 'content-type': 'text/csv' }
    expect((await call(alice, 'POST /api/tasks', { kind: 'report' })).body).toMatchObject(denied)
    expect((await call(alice, 'POST /api/orders/import', csv, asCsv)).body).toMatchObject(denied)
    expect((await database.sql`select from sse.tasks where owner = ${alice.sub}`).count).toBe(0)
    expect((await call(OPERATOR, 'POST /api/tasks', { kind: 'report' })).status).toBe(202)
    expect((await call(OPERATOR, 'POST /api/orders/import', csv, asCsv)).status).toBe(202)
  })

  test('an import is refused to a user before the file is sent', async () => {
    using upload = sendUnfinished(`${instance.url}/api/orders/import`, {
      contentType: 'text/csv',
      headers: await bearer(newUser()),
      length: 1000,
    })
    expect((await upload.response).status).toBe(403)
  })

  test('a notification needs the right to publish to the channel of each recipient', async () => {
    const send = async (publish: string[] | undefined, to: unknown) => {
      const { status, body } = await call({ ...newUser(), ...(publish && { publish }) }, 'POST /api/notifications', {
        to,
        title: 'Hello',
      })
      return status === 201 ? status : [status, body.code, body.channel]
    }
    const refusal = (channel: string) => [403, 'access.denied', channel]
    const person = newUser()
    expect(await send(undefined, [person.sub])).toEqual(refusal(`notifications.${person.sub}`))
    expect(await send(undefined, 'everyone')).toEqual(refusal('broadcast'))
    expect(await send(['notifications.*'], 'everyone')).toEqual(refusal('broadcast'))
    expect(await send([`notifications.${person.sub}`], [person.sub, 'bob'])).toEqual(refusal('notifications.bob'))
    expect((await call(OPERATOR, `GET /api/notifications?person=${person.sub}`)).body.unread).toBe(0)
    expect(await send([`notifications.${person.sub}`], [person.sub])).toBe(201)
    expect((await call(OPERATOR, `GET /api/notifications?person=${person.sub}`)).body.unread).toBe(1)
    expect(await send(['broadcast'], 'everyone')).toBe(201)
  })
})

test('the end of a stream says nothing about the task of another user', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const head = String((await call(alice, 'GET /api/orders')).body.cursor)
  const statusOf = async (as: TestClaims, owner: TestClaims, id: number) => {
    const response = await fetch(`${instance.url}/events?channel=tasks.${owner.sub}.${id}`, {
      headers: { ...(await bearer(as)), accept: 'text/event-stream', 'last-event-id': head },
    })
    await response.body?.cancel()
    return response.status
  }
  const [running, ended, deleted] = await Promise.all(['running', 'succeeded', 'failed'].map((s) => insertTask(s)(bob)))
  await database.sql`delete from sse.tasks where id = ${deleted as number}`
  for (const id of [running, ended, deleted] as number[]) {
    expect([await statusOf(alice, bob, id), await statusOf(alice, alice, id)]).toEqual([403, 204])
  }
  expect([await statusOf(bob, bob, running as number), await statusOf(bob, bob, ended as number)]).toEqual([200, 204])
})
