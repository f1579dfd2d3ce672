// Pages of other sites against a person who has a session here. `origin` and `cors` have the rules without a cookie.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { ask } from '../../testing/ask.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { foreignHeaders } from '../../testing/foreign-headers.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream, publish } from '../../testing/stream-reader.ts'
import { bearer, type TestClaims, TOKEN_SECRET } from '../../testing/tokens.ts'

const LISTED = 'https://app.example'
/** Is in what the victim has. */
const SECRET = 'a-secret-of-the-victim'
/** The victim may do everything: the worst case. */
const VICTIM: TestClaims = { sub: 'victim', role: 'operator' }

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let port: string
let cookie: string
let task: number
beforeAll(async () => {
  database = await createDatabase()
  const settings = { JWT_SECRET: TOKEN_SECRET, LAB: 'on', WORKER_CONCURRENCY: '0', ALLOWED_ORIGINS: LISTED }
  instance = await startInstance(database.url, { ...settings, TRUSTED_PROXIES: '127.0.0.1' })
  port = new URL(instance.url).port
  const body = { kind: 'demo', description: SECRET }
  task = (await ask(instance.url, 'POST /api/tasks', { as: VICTIM, body })).body.id
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})
beforeEach(async () => {
  const { headers } = await ask(instance.url, 'POST /session', { as: VICTIM })
  cookie = headers.getSetCookie()[0]?.split(';')[0] ?? ''
})

const LINES = [{ sku: 'A', name: 'a', quantity: 1, unitPrice: 1 }]
/** Every route that changes something, with a body that would do so. */
const WRITES: Record<string, unknown> = {
  'POST /session': undefined,
  'DELETE /session': undefined,
  'POST /events': { channel: 'forged', type: 't' },
  'POST /api/orders': { customer: 'forged', currency: 'EUR', lines: LINES },
  'POST /api/orders/{id}/transitions': { to: 'cancelled' },
  'POST /api/orders/import': 'customer,currency,sku,name,quantity,unit_price\nforged,EUR,A1,Tea,2,450\n',
  'DELETE /api/orders/{id}': undefined,
  'POST /api/tasks': { kind: 'demo', description: 'forged' },
  'PATCH /api/tasks/{id}': { description: 'forged' },
  'POST /api/tasks/{id}/cancel': undefined,
  'POST /api/tasks/{id}/retry': undefined,
  'DELETE /api/tasks/{id}': undefined,
  'POST /api/notifications': { to: 'everyone', title: 'forged' },
  'POST /api/notifications/read': {},
  'POST /api/notifications/{id}/read': undefined,
  'POST /api/lab/faults': { fault: 'disconnect-streams' },
}

const SIMPLE_TYPES = [
  'text/plain',
  'text/plain; charset=application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=b',
]

/** Everything that the routes could change, as the operator of the database sees it. */
const state = async () =>
  JSON.stringify(
    await database.sql`
      select (select position from sse.head) + (select count(*) from sse.outbox) as events,
        (select json_agg(t order by id) from sse.tasks t) as tasks, (select json_agg(o order by id) from sse.orders o) as orders,
        (select count(*) from sse.notifications) as sent, (select count(*) from sse.files) as files`,
  )

const byCookie = (route: string, headers: Record<string, string>, body?: unknown) =>
  ask(instance.url, route.replace('{id}', String(task)), { headers: { cookie, ...headers }, body })

describe('with the cookie of a person, a page of another origin', () => {
  test('is tried on every route that changes something', async () => {
    const { paths } = (await ask(instance.url, 'GET /openapi.json')).body as { paths: Record<string, object> }
    const routes = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(routes.filter((route) => !/^(?:GET|HEAD) /.test(route)).sort()).toEqual(Object.keys(WRITES).sort())
  })

  test('changes nothing, whatever its origin looks like, and the session stays', async () => {
    const before = await state()
    for (const headers of foreignHeaders(port, LISTED)) {
      for (const [route, body] of Object.entries(WRITES)) {
        const { status, body: problem, headers: sent } = await byCookie(route, headers, body)
        const what = `${route} ${JSON.stringify(headers)}`
        if (status === 401)
          expect([what, problem.code]).toEqual([expect.stringMatching(/^POST .session/), 'auth.required'])
        else expect([what, problem?.code]).toEqual([what, expect.stringMatching(/^origin\.(?:foreign|required)$/)])
        expect(sent.getSetCookie(), what).toEqual([])
      }
    }
    expect(await state()).toBe(before)
    expect((await byCookie('GET /session', {})).body.subject).toBe('victim')
  })

  test('changes nothing by a form or by JSON that is sent as a simple type, which needs no preflight', async () => {
    const before = await state()
    for (const type of SIMPLE_TYPES) {
      for (const headers of [{}, { origin: 'null' }, { 'sec-fetch-site': 'none' }, { origin: 'http://evil.example' }]) {
        for (const [route, value] of Object.entries(WRITES)) {
          const body = typeof value === 'string' ? value : `${JSON.stringify(value ?? {})}\r\n`
          const { status } = await byCookie(route, { ...headers, 'content-type': type }, body)
          expect([route, type, [401, 403].includes(status)]).toEqual([route, type, true])
        }
      }
    }
    // A program with a token is refused by the type alone: JSON has to say that it is JSON.
    const headers = { ...(await bearer(VICTIM)), 'content-type': 'text/plain' }
    expect((await ask(instance.url, 'POST /api/tasks', { headers, body: '{"kind":"demo"}' })).status).toBe(415)
    expect(await state()).toBe(before)
  })

  test('reads nothing, as a script, an image, a frame or by fetch', async () => {
    const paths = [
      '/api/tasks',
      `/api/tasks/${task}`,
      '/api/orders',
      '/events?after=0',
      '/session',
      '/metrics',
      '/api/cluster',
    ]
    const requests = [
      ...['script', 'image', 'iframe', 'object', 'empty'].map((dest) => ({
        'sec-fetch-site': 'same-site',
        'sec-fetch-mode': 'no-cors',
        'sec-fetch-dest': dest,
      })),
      ...['null', 'http://evil.example', `http://localhost:${Number(port) - 1}`].map((origin) => ({
        origin,
        'sec-fetch-mode': 'cors',
      })),
    ]
    for (const path of paths) {
      for (const headers of requests) {
        const { status, text, headers: sent } = await byCookie(`GET ${path}`, headers)
        expect([path, status, sent.get('access-control-allow-origin')]).toEqual([path, 403, null])
        expect(text).not.toContain(SECRET)
      }
    }
  })

  test('which the operator has listed, may read, and writes only with a token of its own', async () => {
    const { status, text, headers } = await byCookie('GET /api/tasks', { origin: LISTED })
    expect([status, text.includes(SECRET), headers.get('access-control-allow-credentials')]).toEqual([
      200,
      true,
      'true',
    ])
    const body = { description: SECRET }
    expect((await byCookie('PATCH /api/tasks/{id}', { origin: LISTED }, body)).body.code).toBe('origin.required')
    expect((await byCookie('PATCH /api/tasks/{id}', { origin: LISTED, ...(await bearer(VICTIM)) }, body)).status).toBe(
      200,
    )
  })

  test('is told apart from a page of this server, which may write', async () => {
    for (const headers of [
      { origin: instance.url.replace('localhost', '127.0.0.1') },
      { 'sec-fetch-site': 'same-origin' },
    ]) {
      const { status } = await ask(`http://127.0.0.1:${port}`, `PATCH /api/tasks/${task}`, {
        headers: { cookie, ...headers },
        body: { description: SECRET },
      })
      expect(status).toBe(200)
    }
  })
})

test('a page whose name was rebound to this server reads and changes nothing, with the cookie and with a token', async () => {
  const before = await state()
  const headers = {
    host: `evil.example:${port}`,
    origin: `http://evil.example:${port}`,
    'sec-fetch-site': 'same-origin',
  }
  for (const [route, body] of [...Object.entries(WRITES), ['GET /api/tasks', undefined], ['GET /session', undefined]]) {
    for (const credential of [{ cookie }, await bearer(VICTIM)]) {
      const {
        status,
        text,
        headers: sent,
      } = await ask(instance.url, String(route), { headers: { ...headers, ...credential }, body })
      expect([route, status]).toEqual([route, 421])
      expect(text).not.toContain(SECRET)
      expect(sent.getSetCookie()).toEqual([])
    }
  }
  expect(await state()).toBe(before)
})

test('a page cannot end the session of a person or its streams', async () => {
  await using stream = await openStream(instance.url, ['broadcast'], { cookie })
  for (const headers of foreignHeaders(port, LISTED))
    expect((await byCookie('DELETE /session', headers)).status).toBe(403)
  await publish(instance.url, [{ channel: 'broadcast', type: 't', data: 'fence' }], await bearer(VICTIM))
  await stream.untilEvents(1)
  expect(stream.frames.map(({ event }) => event)).not.toContain('closing')
})
