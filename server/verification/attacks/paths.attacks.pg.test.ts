// Ways around the rule of a route: other spellings of its path, other methods, and headers by which proxies rewrite requests.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { ask } from '../../testing/ask.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { sendRaw } from '../../testing/raw-http.ts'
import { openStream, publish } from '../../testing/stream-reader.ts'
import { bearer, type TestClaims, TOKEN_SECRET, tokenOf } from '../../testing/tokens.ts'

const OPERATOR: TestClaims = { sub: 'olga', role: 'operator' }
const VICTIM: TestClaims = { sub: 'victim' }
const MALLORY: TestClaims = { sub: 'mallory', subscribe: ['orders.{sub}.>'] }
/** Is in everything that the victim has. */
const SECRET = 'a-secret-of-the-victim'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let task: number
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, {
    JWT_SECRET: TOKEN_SECRET,
    LAB: 'on',
    WORKER_CONCURRENCY: '0',
    TRUSTED_PROXIES: '127.0.0.1',
  })
  await publish(instance.url, [{ channel: 'orders.victim.1', type: 't', data: SECRET }], await bearer(OPERATOR))
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})
beforeEach(async () => {
  const body = { kind: 'demo', description: SECRET }
  task = (await ask(instance.url, 'POST /api/tasks', { as: VICTIM, body })).body.id
})

/** What the victim sees of the task. */
const taskOfVictim = async () => (await ask(instance.url, `GET /api/tasks/${task}`, { as: VICTIM })).body

let requests = 0
/** Sends a target that no client would send. Each request comes from another address, so that refusals are not delayed. */
async function raw(method: string, target: string, headers: Record<string, string> = {}) {
  const lines = Object.entries({ accept: 'application/json', ...headers }).map(([name, value]) => `${name}: ${value}\n`)
  const address = `10.1.${requests >> 8}.${requests++ & 255}`
  return sendRaw(
    instance.url,
    `${method} ${target} HTTP/1.1\nHost: localhost\nX-Forwarded-For: ${address}\nConnection: close\n${lines.join('')}\n`,
  )
}

/** Other spellings of a path, which a proxy or a router could take for the same one. */
const spellings = (path: string): string[] => [
  path,
  `${path}/`,
  `${path}//`,
  `/${path}`,
  `//localhost${path}`,
  `/.${path}`,
  `/%2e${path}`,
  `/healthz/..${path}`,
  `/healthz/%2e%2e${path}`,
  `/healthz/..%2f${path.slice(1)}`,
  `/assets/..%5c${path.slice(1)}`,
  path.replaceAll('/', '//'),
  `/${path.slice(1).replaceAll('/', '%2f')}`,
  path.toUpperCase(),
  path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  path.replace(/[a-z]/, (letter) => `%25${letter.charCodeAt(0).toString(16)}`),
  `${path};a=b`,
  `${path};/`,
  `${path}%00`,
  `${path}%20`,
  `${path}.json`,
  `${path}?`,
  `${path}#x`,
  `http://localhost${path}`,
  `http://evil.example${path}`,
  `https://localhost${path}`,
  `http://user:password@localhost${path}`,
]

const PROTECTED = ['/events', '/session', '/api/orders', '/api/orders/count', '/api/tasks', '/api/notifications']
const FOR_OPERATORS = ['/metrics', '/api/cluster']
const REFUSED = [400, 401, 403, 404, 405, 421]

describe('another spelling of a path', () => {
  test('does not let in a request without a credential', async () => {
    for (const path of [...PROTECTED, ...FOR_OPERATORS, `/api/tasks/${task}`]) {
      for (const target of spellings(path)) {
        const { status, text } = await raw('GET', target)
        expect([target, REFUSED.includes(status)]).toEqual([target, true])
        expect(text, target).not.toContain(SECRET)
      }
    }
    // The same targets are found by whoever may see them.
    expect((await raw('GET', `/api/tasks/${task}/`, await bearer(VICTIM))).text).toContain(SECRET)
  })

  test('shows a user neither what is for operators nor what belongs to another user', async () => {
    const headers = await bearer(MALLORY)
    for (const path of [...FOR_OPERATORS, `/api/tasks/${task}`, `/api/tasks/${task}/files/report.csv`]) {
      for (const target of spellings(path)) {
        const { status, text } = await raw('GET', target, headers)
        expect([target, REFUSED.includes(status)]).toEqual([target, true])
        expect(text, target).not.toMatch(new RegExp(`${SECRET}|sse_update_|"instances"`))
      }
    }
    for (const target of spellings('/events').flatMap((path) => [
      `${path}?after=0`,
      `${path}?channel=orders.victim.1`,
    ])) {
      expect((await raw('GET', target, headers)).text, target).not.toContain(SECRET)
    }
  })
})

describe('a header by which a proxy rewrites requests', () => {
  const HEADERS = [
    'x-original-url',
    'x-rewrite-url',
    'x-original-uri',
    'x-forwarded-uri',
    'x-forwarded-path',
    'x-http-url',
  ]

  test('does not change the path that is asked for, whatever is allowed under the other one', async () => {
    const headers = await bearer(MALLORY)
    for (const name of HEADERS) {
      for (const path of ['/metrics', `/api/tasks/${task}`]) {
        expect((await raw('GET', '/healthz', { ...headers, [name]: path })).text).toEndWith('{"status":"ok"}')
        const { status } = await raw('GET', path, { ...headers, [name]: '/healthz' })
        expect([name, path, status]).toEqual([name, path, path === '/metrics' ? 403 : 404])
      }
    }
  })

  test('does not change the user, nor make an operator', async () => {
    const names = [
      'x-user',
      'x-forwarded-user',
      'x-remote-user',
      'remote-user',
      'x-role',
      'x-forwarded-groups',
      'forwarded',
    ]
    for (const name of names) {
      for (const value of ['victim', 'operator', 'for=127.0.0.1;by=operator']) {
        const headers = { ...(await bearer(MALLORY)), [name]: value }
        const { body } = await ask(instance.url, 'GET /session', { headers })
        expect([name, body.subject, body.role]).toEqual([name, 'mallory', 'user'])
        expect((await raw('GET', '/metrics', { [name]: value })).status, name).toBe(401)
      }
    }
  })
})

describe('another method', () => {
  test('named in a header or a parameter is not carried out, neither for the owner of a task nor for others', async () => {
    for (const as of [VICTIM, MALLORY]) {
      for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
        for (const route of [`GET /api/tasks/${task}`, `HEAD /api/tasks/${task}`, `POST /api/tasks/${task}`]) {
          for (const method of ['DELETE', 'PATCH']) {
            await ask(instance.url, route, { as, headers: { [name]: method } })
            await ask(instance.url, `${route}?_method=${method}`, { as })
          }
        }
        await ask(instance.url, `GET /api/tasks/${task}/cancel`, { as, headers: { [name]: 'POST' } })
      }
    }
    expect(await taskOfVictim()).toMatchObject({ state: 'queued', description: SECRET, version: 1 })
  })

  // Status 0: Bun closes the connection of a method that it does not know.
  test('is refused, or answered without data: TRACE, CONNECT, PROPFIND, HEAD and OPTIONS', async () => {
    const token = await tokenOf(MALLORY)
    for (const path of [...FOR_OPERATORS, `/api/tasks/${task}`, '/session', '/api/lab/faults']) {
      for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'DEBUG', 'get', 'HEAD', 'OPTIONS', 'PUT']) {
        const { status, text, body } = await raw(method, path, { authorization: `Bearer ${token}`, cookie: 'x=echo' })
        const what = `${method} ${path} ${status}`
        expect(text, what).not.toMatch(new RegExp(`${SECRET}|${token}|x=echo|sse_update_|"instances"`))
        if (method === 'OPTIONS' || (method === 'HEAD' && path === '/session')) expect([what, body]).toEqual([what, ''])
        else expect([what, [0, 400, 403, 404, 405].includes(status)]).toEqual([what, true])
      }
    }
  })
})

test('the faults of the lab are for operators: a user disconnects no stream, however it is asked', async () => {
  await using stream = await openStream(instance.url, ['orders.victim.>'], await bearer(VICTIM))
  for (const fault of ['disconnect-streams', 'kill-listeners']) {
    for (const path of ['/api/lab/faults', '/api/lab/faults/', '/api/./lab/faults', '/x/../api/lab/faults']) {
      for (const as of [MALLORY, undefined]) {
        const { status } = await ask(instance.url, `POST ${path}`, { ...(as && { as }), body: { fault } })
        expect([path, status]).toEqual([path, as ? 403 : 401])
      }
    }
  }
  await publish(instance.url, [{ channel: 'orders.victim.1', type: 't', data: 'fence' }], await bearer(OPERATOR))
  await stream.untilEvents(1)
  expect(stream.frames.map(({ event }) => event)).not.toContain('closing')
})
