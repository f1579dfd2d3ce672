// Sessions that somebody else has begun, set or forged: a person must not act as another one without noticing.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { type Answer, ask as askFrom, type Question } from '../../testing/ask.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { bearer, type TestClaims, TOKEN_SECRET, type TokenOptions, tokenOf } from '../../testing/tokens.ts'

const VICTIM: TestClaims = { sub: 'victim' }
const MALLORY: TestClaims = { sub: 'mallory' }
const TLS = { host: 'sse.example', 'x-forwarded-proto': 'https' }

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, {
    JWT_SECRET: TOKEN_SECRET,
    ALLOWED_HOSTS: 'sse.example',
    TRUSTED_PROXIES: '127.0.0.1',
  })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

let addresses = 0
/** Asks from another address each time: repeated refusals of one are delayed. */
const ask = (url: string, route: string, question: Question = {}) => {
  const address = `10.0.${(++addresses >> 8) & 255}.${addresses & 255}`
  return askFrom(url, route, { ...question, headers: { 'x-forwarded-for': address, ...question.headers } })
}

/** Name and value of the cookie that a response sets. */
const cookieOf = ({ headers }: Answer) => headers.getSetCookie()[0]?.split(';')[0] ?? ''
const begin = async (as: TestClaims, headers: Record<string, string> = {}) =>
  cookieOf(await ask(instance.url, 'POST /session', { as, headers }))
/** The subject that a request with these cookies acts as, or the status and code of the refusal. */
async function subjectOf(cookie: string, headers: Record<string, string> = {}) {
  const { status, body } = await ask(instance.url, 'GET /session', { headers: { cookie, ...headers } })
  return status === 200 ? body.subject : `${status} ${body.code}`
}

describe('a page that signs a person in as somebody else', () => {
  test('cannot: no session begins by a form, by JSON, or by a token in the address', async () => {
    const token = await tokenOf(MALLORY)
    const fields = ['token', 'authorization', 'Authorization', 'access_token', 'id_token', 'bearer']
    for (const field of fields) {
      const form = `${field}=${encodeURIComponent(`Bearer ${token}`)}&${field}=${token}`
      for (const [type, body] of [
        ['application/x-www-form-urlencoded', form],
        ['text/plain', `${field}: Bearer ${token}\r\n`],
        ['application/json', JSON.stringify({ [field]: `Bearer ${token}` })],
      ] as const) {
        for (const query of ['', `?${field}=${token}`]) {
          const headers = { 'content-type': type }
          const answer = await ask(instance.url, `POST /session${query}`, { headers, body })
          expect([field, type, answer.status, cookieOf(answer)]).toEqual([field, type, 401, ''])
        }
      }
      expect((await ask(instance.url, `GET /api/orders?${field}=${token}`)).status).toBeOneOf([400, 401])
      expect((await ask(instance.url, `HEAD /events?${field}=${token}`)).status).toBeOneOf([400, 401])
    }
  })

  test('cannot by fetch: a page of another origin gets 403, even with the token in the header', async () => {
    for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'same-site' }]) {
      const answer = await ask(instance.url, 'POST /session', { as: MALLORY, headers })
      expect([answer.status, answer.body.code, cookieOf(answer)]).toEqual([403, 'origin.foreign', ''])
    }
  })

  test('does not take over the session that a person begins later, by an ID that it knows', async () => {
    const planted = await begin(MALLORY)
    const id = planted.split('=')[1]?.slice(0, 22) ?? ''
    for (const cookie of [planted, `sse_session=${id}.x.y.z`, `sse_session=${'A'.repeat(22)}.x.y.z`]) {
      const begun = await begin(VICTIM, { cookie })
      expect(await subjectOf(begun)).toBe('victim')
      expect(begun).not.toContain(cookie.split('=')[1]?.slice(0, 22) as string)
    }
    expect(await subjectOf(planted)).toBe('mallory')
  })
})

describe('a cookie that another host or program has set', () => {
  test('beside the one of this server makes neither count, in any order and with any name around it', async () => {
    const [own, foreign] = await Promise.all([begin(VICTIM), begin(MALLORY)])
    expect(await subjectOf(own)).toBe('victim')
    for (const cookie of [
      `${own}; ${foreign}`,
      `${foreign}; ${own}`,
      `a=b; ${foreign};${own}; c=d`,
      `${own};;${foreign}`,
    ]) {
      expect(await subjectOf(cookie)).toBe('401 auth.required')
      const headers = { cookie, origin: instance.url }
      expect((await ask(instance.url, 'POST /api/tasks', { headers, body: { kind: 'demo' } })).status).toBe(401)
    }
    expect(await database.sql`select from sse.tasks`).toHaveLength(0)
  })

  test('over TLS does not count unless it has the prefix __Host-, which browsers let no other host set', async () => {
    const answer = await ask(instance.url, 'POST /session', { as: VICTIM, headers: TLS })
    const [setCookie = ''] = answer.headers.getSetCookie()
    expect(setCookie).toStartWith('__Host-sse_session=')
    // What the prefix requires, without which browsers would drop the cookie.
    for (const part of ['; Secure', '; Path=/;', '; HttpOnly', '; SameSite=Strict']) expect(setCookie).toContain(part)
    expect(setCookie).not.toContain('Domain')
    const own = cookieOf(answer)
    const foreign = await begin(MALLORY)
    expect(await subjectOf(`${foreign}; ${own}`, TLS)).toBe('victim')
    for (const name of [
      'sse_session',
      '__host-sse_session',
      '__Host-sse_session ',
      '__Secure-sse_session',
      '__Host-SSE_session',
    ]) {
      const cookie = own.replace('__Host-sse_session', name)
      if (name.trim() !== '__Host-sse_session') expect(await subjectOf(cookie, TLS), name).toBe('401 auth.required')
    }
  })
})

test.each<[string, TestClaims, TokenOptions]>([
  ['of another issuer', VICTIM, { secret: 'another issuer whose secret has 32 bytes or more' }],
  ['that has expired', VICTIM, { ttl: -120 }],
])('a session with a token %s is refused, and says nothing about its subject', async (_, claims, options) => {
  const id = 'A'.repeat(22)
  const cookie = `sse_session=${id}.${await tokenOf(claims, options)}`
  for (const route of [
    'GET /session',
    'GET /api/orders',
    'GET /events?after=0',
    'POST /api/tasks',
    'HEAD /api/tasks',
  ]) {
    const headers = { cookie, origin: instance.url }
    const { status, text } = await ask(instance.url, route, {
      headers,
      ...(route.startsWith('POST') && { body: { kind: 'demo' } }),
    })
    expect([route, status]).toEqual([route, 401])
    expect(text).not.toContain('victim')
  }
})

test.each([
  ['without a signature', { alg: 'none' }, ''],
  ['with a key of its own', { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }, 'AAAA'],
  ['with the address of a key', { alg: 'HS256', jku: 'http://127.0.0.1:1/keys', kid: '../../etc/passwd' }, 'AAAA'],
])('a session with a token %s is refused', async (_, header, signature) => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { ...VICTIM, role: 'operator', exp: Math.floor(Date.now() / 1000) + 600 }
  for (const end of [signature, 'A', '-']) {
    const token = `${part(header)}.${part(claims)}.${end}`
    expect(await subjectOf(`sse_session=${'A'.repeat(22)}.${token}`)).toStartWith('401 ')
    expect((await ask(instance.url, 'GET /session', { headers: { authorization: `Bearer ${token}` } })).status).toBe(
      401,
    )
  }
})

test('a cookie beside a token does not lend its rights to it, nor the other way round', async () => {
  const cookie = await begin({ sub: 'olga', role: 'operator' })
  const headers = { cookie, ...(await bearer(MALLORY)) }
  expect((await ask(instance.url, 'GET /session', { headers })).body).toMatchObject({
    subject: 'mallory',
    role: 'user',
  })
  expect((await ask(instance.url, 'GET /metrics', { headers })).status).toBe(403)
  for (const authorization of ['Basic YTpi', 'Bearer', 'Bearer x', `Bearer ${await tokenOf(VICTIM)} x`]) {
    expect((await ask(instance.url, 'GET /metrics', { headers: { cookie, authorization } })).status).toBe(401)
  }
})
