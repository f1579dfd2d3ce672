// Sessions and the rights of open streams, with two instances that share one Postgres.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { EventSource } from 'eventsource'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { createRole } from '../testing/role.ts'
import { openStream, publish, type StreamReader } from '../testing/stream-reader.ts'
import { bearer, type TestClaims, TOKEN_SECRET, type TokenOptions, tokenOf } from '../testing/tokens.ts'
import { createKey } from './key-ring.ts'
import { hashSession } from './session-cookie.ts'

let database: TestDatabase
let first: Runtime & AsyncDisposable
let second: Runtime & AsyncDisposable
let operator: Record<string, string>
const settings = { JWT_SECRET: TOKEN_SECRET, ALLOWED_HOSTS: 'app.example.com' }
beforeAll(async () => {
  database = await createDatabase()
  ;[first, second] = await Promise.all([startInstance(database.url, settings), startInstance(database.url, settings)])
  operator = await bearer({ sub: 'root', role: 'operator' })
})
afterAll(async () => {
  await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()])
  await database[Symbol.asyncDispose]()
})

const ALICE = { sub: 'alice' }

/** `POST /session` with a token, and with the cookie of a session that is to be renewed. */
async function begin(url: string, claims: TestClaims, options: TokenOptions & { cookie?: string } = {}) {
  const { cookie: given, ...token } = options
  const headers = { ...(await bearer(claims, token)), ...(given !== undefined && { cookie: given }) }
  const response = await fetch(`${url}/session`, { method: 'POST', headers })
  const [setCookie = ''] = response.headers.getSetCookie()
  const cookie = setCookie.split(';')[0] ?? ''
  const id = /=([\w-]{22})\./.exec(cookie)?.[1] ?? ''
  return { response, body: await response.json(), setCookie, cookie, id }
}

const publishAs = async (user: string, data: unknown, url = first.url) =>
  publish(url, [{ channel: `orders.${user}.1`, type: 't', data }], operator)

/** The reason in the last event of a stream that has ended. */
async function reasonOf(reader: StreamReader): Promise<unknown> {
  await reader.ended
  const last = reader.frames.at(-1)
  expect(last?.event).toBe('closing')
  return JSON.parse(last?.data ?? '{}').reason
}

const typesOf = ({ frames }: StreamReader) => frames.map(({ event }) => event)

describe('renewing a session', () => {
  test('keeps its stream on the other instance, which continues past the end of the first token', async () => {
    const session = await begin(first.url, ALICE, { ttl: 10 })
    expect(session.response.status).toBe(200)
    await using stream = await openStream(second.url, ['orders.alice.>'], { cookie: session.cookie })
    // The same token without a session can't be renewed: it shows when the token has ended.
    const token = session.cookie.slice(session.cookie.indexOf('.') + 1)
    await using witness = await openStream(second.url, ['orders.alice.>'], { authorization: `Bearer ${token}` })
    await publishAs('alice', 1)
    await stream.until((reader) => typesOf(reader).includes('auth-expiring'))
    const expiring = stream.frames.find(({ event }) => event === 'auth-expiring')
    expect(JSON.parse(expiring?.data ?? '')).toEqual({ expiresAt: session.body.expiresAt })

    const renewed = await begin(first.url, ALICE, { cookie: session.cookie })
    expect(renewed.id).toBe(session.id)
    expect(Date.parse(renewed.body.expiresAt)).toBeGreaterThan(Date.parse(session.body.expiresAt))
    expect(await reasonOf(witness)).toBe('expired')
    await publishAs('alice', 2)
    await stream.untilEvents(2)
    expect(stream.events.map(({ data }) => data)).toEqual([1, 2])
    expect(typesOf(stream).filter((type) => type === 'ready' || type === 'closing')).toEqual(['ready'])
    const ids = stream.frames.flatMap(({ id }) => (id === undefined ? [] : [Number(id.split('-')[0])]))
    expect(ids).toEqual(ids.toSorted((one, other) => one - other))
  })

  test('ends the streams that the new token does not cover, and no others', async () => {
    const session = await begin(first.url, { ...ALICE, subscribe: ['a.>', 'orders.alice.>'] })
    await using lost = await openStream(second.url, ['a.1', 'orders.alice.>'], { cookie: session.cookie })
    await using kept = await openStream(second.url, ['orders.alice.>'], { cookie: session.cookie })
    const renewed = await begin(first.url, ALICE, { cookie: session.cookie })
    expect(renewed.id).toBe(session.id)
    expect(await reasonOf(lost)).toBe('revoked')
    await publishAs('alice', 1)
    await kept.untilEvents(1)
    expect(typesOf(kept)).not.toContain('closing')
  })

  test("does nothing with another subject's token, which begins a session of its own", async () => {
    const session = await begin(first.url, ALICE, { ttl: 4 })
    await using stream = await openStream(second.url, ['orders.alice.>'], { cookie: session.cookie })
    const other = await begin(first.url, { sub: 'mallory' }, { cookie: session.cookie })
    expect(other.body.subject).toBe('mallory')
    expect(other.id).not.toBe(session.id)
    expect(await reasonOf(stream)).toBe('expired')
  })
})

test('a stream whose token expires ends, and the next one misses nothing', async () => {
  const session = await begin(first.url, ALICE, { ttl: 4 })
  await using stream = await openStream(first.url, ['orders.alice.>'], { cookie: session.cookie })
  await publishAs('alice', 1)
  await stream.untilEvents(1)
  expect(await reasonOf(stream)).toBe('expired')
  const { id = '', data } = stream.frames.at(-1) ?? { data: '' }
  const { retry } = JSON.parse(data)
  expect(retry).toBeGreaterThanOrEqual(500)
  expect(retry).toBeLessThanOrEqual(1500)
  await publishAs('alice', 2)
  const renewed = await begin(second.url, ALICE)
  const headers = { cookie: renewed.cookie, 'last-event-id': id }
  await using resumed = await openStream(second.url, ['orders.alice.>'], headers)
  await resumed.untilEvents(1)
  expect(resumed.events.map((event) => event.data)).toEqual([2])
  const refused = await fetch(`${first.url}/events`, { headers: { cookie: session.cookie } })
  expect([refused.status, (await refused.json()).code]).toEqual([401, 'token.expired'])
})

describe('revoking', () => {
  const open = async (claims: TestClaims) => {
    const headers = await bearer(claims)
    const channels = [`orders.${claims.sub}.>`]
    return Promise.all([first, second].map(({ url }) => openStream(url, channels, headers)))
  }

  test('a token by its id ends its streams on all instances, and it is not accepted any more', async () => {
    const claims = { sub: 'carol', jti: 'c1' }
    const [revoked, others] = await Promise.all([open(claims), open({ sub: 'carol', jti: 'c2' })])
    await database.sql`select sse.revoke('token', 'c1')`
    expect(await Promise.all(revoked.map(reasonOf))).toEqual(['revoked', 'revoked'])
    await publishAs('carol', 1)
    for (const stream of others) {
      await stream.untilEvents(1)
      await stream.close()
    }
    for (const { url } of [first, second]) {
      const response = await fetch(`${url}/session`, { headers: await bearer(claims) })
      expect([response.status, (await response.json()).code]).toEqual([401, 'token.revoked'])
    }
  })

  test('a subject ends the streams of all tokens that it has, and later tokens are accepted', async () => {
    const [streams, others] = await Promise.all([open({ sub: 'dave' }), open({ sub: 'erin' })])
    await database.sql`select sse.revoke('subject', 'dave')`
    expect(await Promise.all(streams.map(reasonOf))).toEqual(['revoked', 'revoked'])
    for (const stream of others) {
      expect(typesOf(stream)).not.toContain('closing')
      await stream.close()
    }
    const later = await bearer({ sub: 'dave', iat: Math.floor(Date.now() / 1000) + 2 })
    expect((await fetch(`${second.url}/session`, { headers: later })).status).toBe(200)
  })

  test('is known to an instance from its start', async () => {
    await database.sql`select sse.revoke('token', 'f1')`
    await using third = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET })
    const response = await fetch(`${third.url}/session`, { headers: await bearer({ sub: 'frank', jti: 'f1' }) })
    expect((await response.json()).code).toBe('token.revoked')
  })

  test('is for roles that may execute the function, which need no right on the table', async () => {
    await using role = await createRole(database)
    const revoke = () => role.sql`select sse.revoke('token', 'r1')`.then(String)
    await expect(revoke()).rejects.toThrow('permission denied')
    await database.sql.unsafe(`grant execute on function sse.revoke to ${role.name}`)
    await revoke()
    expect(await database.sql`select from sse.revocations where value = 'r1'`).toHaveLength(1)
    await expect(role.sql`delete from sse.revocations`.then(String)).rejects.toThrow('permission denied')
  })

  test('refuses what is not known, and forgets what is older than any token', async () => {
    await expect(database.sql`select sse.revoke('key', 'x')`.then(String)).rejects.toThrow('kind')
    await expect(database.sql`select sse.revoke('token', '')`.then(String)).rejects.toThrow('value')
    await database.sql`insert into sse.revocations values ('token', 'old', now() - interval '401 days')`
    await database.sql`select sse.revoke('token', 'new'), sse.revoke('token', 'new')`
    const rows = await database.sql`select value from sse.revocations where value in ('old', 'new')`
    expect([...rows]).toEqual([{ value: 'new' }])
  })
})

describe('a session', () => {
  test('is described by the routes that begin and show it', async () => {
    const claims = { ...ALICE, publish: ['chat.{sub}'] }
    const { body, setCookie, cookie, response } = await begin(first.url, claims)
    expect(setCookie).toMatch(/^sse_session=[\w-]{22}\.\S+; Path=\/; Max-Age=(?:600|599); HttpOnly; SameSite=Strict$/)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({
      subject: 'alice',
      role: 'user',
      subscribe: ['orders.alice.>', 'tasks.alice.>', 'notifications.alice', 'broadcast'],
      publish: ['chat.alice'],
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    expect(await (await fetch(`${second.url}/session`, { headers: { cookie } })).json()).toEqual(body)
  })

  test('ends with DELETE, with its streams on all instances, and a copy of its cookie is not accepted', async () => {
    const { cookie, id } = await begin(first.url, ALICE)
    const other = await begin(first.url, ALICE)
    const streams = await Promise.all([first, second].map(({ url }) => openStream(url, ['orders.alice.>'], { cookie })))
    await using kept = await openStream(second.url, ['orders.alice.>'], { cookie: other.cookie })
    const response = await fetch(`${first.url}/session`, { method: 'DELETE', headers: { cookie, origin: first.url } })
    expect(response.status).toBe(204)
    expect(response.headers.getSetCookie()[0]).toStartWith('sse_session=; Path=/; Max-Age=0;')
    expect(await Promise.all(streams.map(reasonOf))).toEqual(['revoked', 'revoked'])
    for (const { url } of [first, second])
      expect((await fetch(`${url}/session`, { headers: { cookie } })).status).toBe(401)
    await publishAs('alice', 1)
    await kept.untilEvents(1)
    const again = await begin(second.url, ALICE, { cookie })
    expect([again.response.status, again.id === id]).toEqual([200, false])
  })

  test('can be ended when there is none', async () => {
    for (const cookie of ['', 'sse_session=junk', `sse_session=${'a'.repeat(22)}.a.b.c`]) {
      const headers = { cookie, origin: first.url }
      expect((await fetch(`${first.url}/session`, { method: 'DELETE', headers })).status).toBe(204)
    }
  })

  test('begins over HTTPS, and over HTTP at a name of the machine itself', async () => {
    const authorization = await bearer(ALICE)
    await using behindProxy = await startInstance(database.url, { ...settings, TRUSTED_PROXIES: '127.0.0.1' })
    const post = (headers: Record<string, string>, { url } = first) =>
      fetch(`${url}/session`, { method: 'POST', headers: { ...authorization, ...headers } })
    const overTls = { host: 'app.example.com', 'x-forwarded-proto': 'https' }
    expect((await (await post(overTls)).json()).code).toBe('session.insecure')
    const secure = await post(overTls, behindProxy)
    expect(secure.status).toBe(200)
    expect(secure.headers.getSetCookie()[0]).toMatch(/^__Host-sse_session=.*; SameSite=Strict; Secure$/)
    const insecure = await post({ host: 'app.example.com' })
    expect([insecure.status, (await insecure.json()).code]).toEqual([400, 'session.insecure'])
    expect(insecure.headers.getSetCookie()).toEqual([])
    expect((await post({ host: 'localhost:8080' })).status).toBe(200)
  })

  test.each([
    ['without a credential', {}, 401, 'auth.required'],
    ['with another scheme', { authorization: 'Basic YTpi' }, 401, 'auth.required'],
    ['with a key', { authorization: `Bearer ${createKey()}` }, 400, 'session.key'],
    ['with a token that is not valid', { authorization: 'Bearer a.b.c' }, 401, 'token.invalid'],
  ] as const)('does not begin %s', async (_, headers, status, code) => {
    const response = await fetch(`${first.url}/session`, { method: 'POST', headers })
    expect([response.status, (await response.json()).code]).toEqual([status, code])
    expect(response.headers.getSetCookie()).toEqual([])
  })

  test('does not begin with a cookie alone', async () => {
    const { cookie } = await begin(first.url, ALICE)
    const headers = { cookie, origin: first.url }
    expect((await fetch(`${first.url}/session`, { method: 'POST', headers })).status).toBe(401)
  })

  test('does not begin on a server without keys, which still says what a request may do', async () => {
    await using open = await startInstance(database.url)
    const refused = await fetch(`${open.url}/session`, { method: 'POST' })
    expect([refused.status, (await refused.json()).code]).toEqual([400, 'session.unavailable'])
    const shown = await fetch(`${open.url}/session`, { headers: { 'x-user': 'alice' } })
    expect(await shown.json()).toEqual({
      subject: null,
      role: 'operator',
      subscribe: ['>'],
      publish: ['>'],
      expiresAt: null,
    })
  })
})

describe('a request that changes something with the cookie', () => {
  const send = async (headers: Record<string, string>, path = '/events', method = 'POST') => {
    const { cookie } = await begin(first.url, { ...ALICE, publish: ['chat.>'] })
    const response = await fetch(`${first.url}${path}`, {
      method,
      headers: { cookie, 'content-type': 'application/json', ...headers },
      ...(method === 'POST' && { body: JSON.stringify({ channel: 'chat.1', type: 't' }) }),
    })
    return [response.status, response.status < 300 ? '' : (await response.json()).code]
  }

  test('is accepted from a page of the server', async () => {
    expect(await send({ origin: first.url })).toEqual([201, ''])
    expect(await send({ 'sec-fetch-site': 'same-origin' })).toEqual([201, ''])
  })

  test.each([
    ['without a page', {}, 'origin.required'],
    ['that a user typed', { 'sec-fetch-site': 'none' }, 'origin.required'],
    ['from another origin', { origin: 'https://evil.example' }, 'origin.foreign'],
    ['from a sibling domain', { 'sec-fetch-site': 'same-site' }, 'origin.foreign'],
    ['from an opaque origin', { origin: 'null' }, 'origin.foreign'],
    ['from another port', { origin: 'http://127.0.0.1:1' }, 'origin.foreign'],
  ] as const)('is refused %s', async (_, headers, code) => {
    expect(await send(headers)).toEqual([403, code])
    expect(await send(headers, '/session', 'DELETE')).toEqual([403, code])
    expect(await send(headers, '/api/tasks/1', 'DELETE')).toEqual([403, code])
  })

  test('needs no page with a token in a header', async () => {
    expect(await send(await bearer({ ...ALICE, publish: ['chat.>'] }))).toEqual([201, ''])
  })
})

describe('the channel of access control', () => {
  test('can not be published to, over HTTP or from SQL', async () => {
    for (const channel of ['sse.access', 'sse', 'sse.x.y']) {
      const response = await fetch(`${first.url}/events`, {
        method: 'POST',
        headers: { ...operator, 'content-type': 'application/json' },
        body: JSON.stringify({ channel, type: 'session.ended', data: {} }),
      })
      expect([response.status, (await response.json()).code]).toEqual([403, 'channel.reserved'])
      await expect(database.sql`select sse.publish(${channel}, 't', '1')`.then(String)).rejects.toThrow('reserved')
    }
    await expect(database.sql`select sse.publish('a', 'auth-expiring', '1')`.then(String)).rejects.toThrow('reserved')
    await database.sql`select sse.publish('ssex.access', 't', '1')`
  })

  test('is for operators who follow it by name', async () => {
    await using watching = await openStream(first.url, ['sse.>'], operator)
    await using all = await openStream(first.url, ['>'], await bearer({ sub: 'gina', subscribe: ['>', 'sse.>'] }))
    const session = await begin(first.url, ALICE)
    await begin(second.url, ALICE, { cookie: session.cookie })
    await watching.until(({ frames }) => frames.some(({ data }) => data.includes(hashSession(session.id))))
    expect(JSON.stringify(watching.frames)).not.toContain(session.id)
    await publishAs('alice', 'fence')
    await all.until(({ events }) => events.some(({ data }) => data === 'fence'))
    expect(all.events.filter(({ channel }) => channel.startsWith('sse.'))).toEqual([])

    const gina = await bearer({ sub: 'gina', subscribe: ['>', 'sse.>'] })
    for (const accept of ['text/event-stream', 'application/json']) {
      for (const channel of ['sse.access', 'sse.>', 'sse.*']) {
        const response = await fetch(`${first.url}/events?channel=${channel}`, { headers: { ...gina, accept } })
        expect([response.status, (await response.json()).code]).toEqual([403, 'access.denied'])
      }
    }
    for (const query of ['', '?before=latest', '?channel=*.access', '?channel=>&channel=a.>&limit=1000']) {
      const headers = { ...gina, accept: 'application/json' }
      const { events } = await (await fetch(`${first.url}/events${query}`, { headers })).json()
      expect(JSON.stringify(events)).not.toContain('"sse.access"')
    }
    const headers = { ...operator, accept: 'application/json' }
    const { events } = await (await fetch(`${first.url}/events?channel=sse.*`, { headers })).json()
    expect(events.length).toBeGreaterThan(0)
  })
})

test('a native EventSource that is refused does not retry', async () => {
  let requests = 0
  const source = new EventSource(`${first.url}/events`, {
    fetch: (url, init) => {
      requests++
      return fetch(url, init as RequestInit)
    },
  })
  const refused = Promise.withResolvers<number | undefined>()
  source.addEventListener('error', ({ code }) => refused.resolve(code))
  const code = await refused.promise
  expect([code, source.readyState, requests]).toEqual([401, EventSource.CLOSED, 1])
})

test('a client that retries a refused stream without a pause is slowed down', async () => {
  await using instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET })
  const headers = { authorization: `Bearer ${await tokenOf(ALICE, { secret: 'x'.repeat(32) })}` }
  const start = performance.now()
  for (let count = 0; count < 4; count++) {
    expect((await fetch(`${instance.url}/events`, { headers })).status).toBe(401)
  }
  // The third by 250 ms, the fourth by 500 ms; timers may fire a little early.
  expect(performance.now() - start).toBeGreaterThan(700)
})
