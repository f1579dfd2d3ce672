// Valid tokens in places where they must not count, and credentials that are read in two ways.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { type Answer, DOORS, knock, knockEverywhere } from '../../testing/doors.ts'
import { expectRefused, type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { secondsFromNow, signedBy, startIssuers } from '../../testing/issuers.ts'
import { sendRaw } from '../../testing/raw-http.ts'
import { openStream, publish } from '../../testing/stream-reader.ts'

const issuers = startIssuers()
const OPERATOR = { role: 'operator' }
const token = signedBy(issuers.hs, OPERATOR)
const [head = '', claims = '', signature = ''] = token.split('.')
const forged = `${head}.${claims}.${signature.split('').reverse().join('')}`
const id = 'i'.repeat(22)

let server: GuardedServer
beforeAll(async () => {
  server = await startGuarded({ JWT_ISSUERS: issuers.setting }, token)
}, 60_000)
afterEach(() => server.expectUntouched())
afterAll(async () => {
  server.expectNotLogged([token, signature, forged])
  await Promise.all([server[Symbol.asyncDispose](), issuers[Symbol.asyncDispose]()])
})

const page = () => ({ origin: server.url, 'sec-fetch-site': 'same-origin' })
const isAccepted = ({ status }: Answer) => status < 300

describe('a token does not count', () => {
  test.each(['token', 'access_token', 'authorization', 'bearer', 'jwt', 'Authorization'])(
    'in the query of an address, and is not logged: %s',
    async (name) => {
      for (const door of DOORS) {
        const [method, path = ''] = door.route.split(' ')
        const route = `${method} ${path}${path.includes('?') ? '&' : '?'}${name}=${token}`
        const answer = await knock(server.url, { ...door, route }, {})
        // Publishing refuses parameters that it does not know before it looks at credentials.
        expect([400, 401]).toContain(answer.status)
        expect(answer.text).not.toContain(signature)
      }
    },
  )

  test.each([
    ['application/x-www-form-urlencoded', `access_token=${token}&channel=a&type=t`],
    ['application/json', JSON.stringify({ channel: 'a', type: 't', access_token: token })],
    ['text/plain', token],
  ])('in a body of type %s', async (type, body) => {
    for (const route of ['POST /events', 'POST /api/orders', 'POST /session']) {
      const answer = await knock(server.url, { route, body }, { 'content-type': type })
      expectRefused([answer], token, 'auth.required')
    }
  })

  test.each([
    { 'proxy-authorization': `Bearer ${token}` },
    { 'x-authorization': `Bearer ${token}` },
    { 'x-forwarded-authorization': `Bearer ${token}` },
    { 'x-access-token': token },
    { 'x-api-key': token },
    { 'x-user': 'alice' },
    { 'x-forwarded-user': 'alice' },
    { 'x-client-id': token },
    { 'sec-websocket-protocol': `bearer, ${token}` },
  ])('in another header: %j', async (headers) => {
    expectRefused(await knockEverywhere(server.url, headers), token, 'auth.required')
  })

  test.each([
    `Basic ${Buffer.from(`alice:${token}`).toString('base64')}`,
    `Token ${token}`,
    `JWT ${token}`,
    token,
    `Bearer${token}`,
    `Bearer:${token}`,
    `Bearer "${token}"`,
    `Bearer\t${token}`,
    `Bearer ${token} x`,
    `Bearer ${token},`,
    `Bearer ${token}, Bearer ${token}`,
    `Bearer ${token.replace('.', '. ')}`,
    `Bearer token=${token};`,
    'Bearer',
    'Bearer ',
    '',
  ])('with another scheme or form of the header: %#', async (authorization) => {
    expectRefused(await knockEverywhere(server.url, { authorization }), token, 'auth.required')
  })

  test.each([
    `${token}=`,
    `${token}==`,
    `${head}=.${claims}.${signature}`,
    `${head}.${claims}.${signature}/`,
    encodeURIComponent(`${token}/`),
  ])('with characters that a token does not have: %#', async (credential) => {
    const answers = await knockEverywhere(server.url, { authorization: `Bearer ${credential}` })
    expect(answers.filter(isAccepted)).toEqual([])
    expect(answers.filter(({ status }) => status !== 401 && status !== 400)).toEqual([])
  })

  test.each([
    [token, token],
    [token, forged],
    [forged, token],
    ['x', token],
  ])('in two Authorization headers, of which two programs may read different ones: %#', async (first, second) => {
    for (const path of ['/events?channel=orders.alice.1', '/api/orders', '/session']) {
      const request = `GET ${path} HTTP/1.1\nHost: ${new URL(server.url).host}\nAccept: application/json\n`
      const raw = `${request}Authorization: Bearer ${first}\nAuthorization: Bearer ${second}\nConnection: close\n\n`
      const { status, body } = await sendRaw(server.url, raw)
      expect([path, status, JSON.parse(body).code]).toEqual([path, 401, 'auth.required'])
    }
  })

  test.each([
    `sse_session=${token}`,
    `sse_session=.${token}`,
    `sse_session=${'i'.repeat(21)}.${token}`,
    `sse_session=${'i'.repeat(23)}.${token}`,
    `sse_session="${id}.${token}"`,
    `sse_session=${encodeURIComponent(`${id}.${token}`)}x%00`,
    `SSE_SESSION=${id}.${token}`,
    `__Host-sse_session=${id}.${token}`,
    `token=${token}`,
    `Authorization=Bearer ${token}`,
  ])('in a cookie that is no session: %#', async (cookie) => {
    expectRefused(await knockEverywhere(server.url, { ...page(), cookie }), token, 'auth.required')
  })

  test('in one of two different cookies, or beside a forged bearer token', async () => {
    const cookies = `sse_session=${id}.${forged}; sse_session=${id}.${token}`
    const doors = DOORS.filter(({ route }) => route !== 'POST /session')
    const headers = { ...page(), cookie: cookies }
    expectRefused(await Promise.all(doors.map((door) => knock(server.url, door, headers))), forged, 'auth.required')
    const both = { ...page(), cookie: `sse_session=${id}.${token}`, authorization: `Bearer ${forged}` }
    expectRefused(await knockEverywhere(server.url, both), forged)
  })
})

test.each([{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }])(
  'a cookie changes nothing from a page that is not of this server: %j',
  async (headers) => {
    const cookie = `sse_session=${id}.${token}`
    for (const door of DOORS.filter(({ route }) => route.startsWith('POST') && route !== 'POST /session')) {
      const answer = await knock(server.url, door, { ...headers, cookie })
      expect(answer.status).toBe(403)
      expect(['origin.required', 'origin.foreign']).toContain(String(answer.code))
    }
  },
)

test('a forged or expired cookie with the id of a session does not end its streams', async () => {
  const begun = await knock(server.url, { route: 'POST /session' }, { authorization: `Bearer ${token}` })
  const [cookie = ''] = (begun.setCookie ?? '').split(';')
  const sessionId = cookie.slice('sse_session='.length, cookie.indexOf('.'))
  await using stream = await openStream(server.url, ['orders.alice.>'], { cookie })
  const expired = signedBy(issuers.hs, { ...OPERATOR, exp: secondsFromNow(-60) })
  for (const other of [forged, expired]) {
    const headers = { ...page(), cookie: `sse_session=${sessionId}.${other}` }
    expect((await knock(server.url, { route: 'DELETE /session' }, headers)).status).toBe(204)
  }
  await publish(server.url, [{ channel: 'orders.alice.1', type: 't' }], { authorization: `Bearer ${token}` })
  await stream.untilEvents(1)
  expect(stream.frames.map(({ event }) => event)).not.toContain('closing')
  expect((await knock(server.url, { route: 'GET /session' }, { cookie })).status).toBe(200)
  await server.forget()
})

test.each([`bearer ${token}`, `BEARER ${token}`, `Bearer   ${token}`, ` Bearer ${token} `])(
  'for comparison: the name of the scheme has any case, and spaces around the token are no part of it: %#',
  async (authorization) => {
    expect((await knockEverywhere(server.url, { authorization })).filter((answer) => !isAccepted(answer))).toEqual([])
    await server.forget()
  },
)
