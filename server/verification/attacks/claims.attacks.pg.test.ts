// Tokens that an issuer has signed, with claims that mean more than they should.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { type Door, knock, presentToken } from '../../testing/doors.ts'
import { forgeToken } from '../../testing/forged-token.ts'
import { expectRefused, type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { AUDIENCE, secondsFromNow, signedBy, startIssuers } from '../../testing/issuers.ts'
import { TOKEN_SECRET } from '../../testing/tokens.ts'

const issuers = startIssuers()
const { hs } = issuers
const OPERATOR = { role: 'operator' }

let server: GuardedServer
const sent: string[] = []
beforeAll(async () => {
  server = await startGuarded({ JWT_ISSUERS: issuers.setting }, signedBy(hs, OPERATOR))
}, 60_000)
afterEach(() => server.expectUntouched())
afterAll(async () => {
  server.expectNotLogged([...sent, TOKEN_SECRET])
  await Promise.all([server[Symbol.asyncDispose](), issuers[Symbol.asyncDispose]()])
})

async function expectInvalid(token: string, code?: string) {
  sent.push(token)
  expectRefused(await presentToken(server.url, token), token, code)
}

/** `test.each` for one argument, which may be an array. */
const each = <T>(values: readonly T[]) => test.each(values.map((value): [T] => [value]))

/** A token whose claims are JSON text: for members that are duplicated, and numbers that JavaScript can't hold. */
const ofText = (members: string, issuer = hs) =>
  forgeToken(issuer.header, `{${[`"aud":"${AUDIENCE}","role":"operator"`, members].join(',')}}`, issuer.key)

describe('a claim', () => {
  each([
    undefined,
    null,
    '',
    7,
    true,
    ['alice'],
    [],
    { toString: 'alice' },
    'x'.repeat(81),
    '.'.repeat(34),
    'alice\u0000',
    '\u0000',
  ])('sub is no name: %j', async (sub) => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, sub }))
  })

  test('sub is half of a character', async () => {
    await expectInvalid(ofText(`"iss":"${hs.iss}","sub":"\\ud83d","exp":${secondsFromNow(60)}`))
  })

  each([7, ['t'], {}, true, 'x'.repeat(1001), 't\u0000'])('jti can not be revoked: %#', async (jti) => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, jti }))
  })

  each([['operator'], { operator: true }, true, 1, []])('role is no text: %j', async (role) => {
    await expectInvalid(signedBy(hs, { role }))
  })

  each([
    '>',
    '',
    null,
    7,
    true,
    { 0: '>', length: 1 },
    [['>']],
    [null],
    [7],
    ['>', 7],
    [''],
    ['>.a'],
    ['a..b'],
    ['.>'],
    ['a>'],
    ['**'],
    ['a b'],
    ['a\u0000'],
    ['x{sub}'],
    ['{sub}{sub}'],
    Array(65).fill('a'),
    [`${'a.'.repeat(16)}a`],
  ])('subscribe or publish is no list of patterns: %#', async (patterns) => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, subscribe: patterns }))
    await expectInvalid(signedBy(hs, { ...OPERATOR, publish: patterns }))
  })

  each<object>([
    { role: 'OPERATOR' },
    { role: 'Operator' },
    { role: ' operator' },
    { role: 'operator\n' },
    { role: 'operator,user' },
    { role: 'user operator' },
    { role: '\u043eperator' },
    { role: 'ｏperator' },
    { role: 'admin' },
    { role: '' },
    { role: null },
    { roles: ['operator'] },
    { Role: 'operator' },
    { 'role ': 'operator' },
    { scope: 'operator' },
    { constructor: { role: 'operator' } },
  ])('that resembles the role of an operator makes a plain user: %j', async (claims) => {
    await expectPlain(signedBy(hs, { sub: 'mallory', ...claims }))
  })

  test('named __proto__ or twice does not add a role', async () => {
    const user = `"iss":"${hs.iss}","aud":"${AUDIENCE}","sub":"mallory","exp":${secondsFromNow(60)}`
    for (const members of ['"__proto__":{"role":"operator","subscribe":[">"]}', '"role":"operator","role":"user"']) {
      await expectPlain(forgeToken(hs.header, `{${user},${members}}`, hs.key))
    }
  })
})

/** Doors that a plain user called `mallory` must find closed. */
const CLOSED: readonly Door[] = [
  { route: 'GET /events?channel=orders.alice.>', headers: { accept: 'text/event-stream' } },
  { route: 'GET /events?channel=>', headers: { accept: 'application/json' } },
  {
    route: 'POST /events',
    headers: { 'content-type': 'application/json' },
    body: '{"channel":"chat.mallory","type":"t"}',
  },
  {
    route: 'POST /api/notifications',
    headers: { 'content-type': 'application/json' },
    body: '{"to":["alice"],"title":"t"}',
  },
  { route: 'GET /api/orders?customer=alice' },
  { route: 'GET /api/cluster' },
  { route: 'GET /metrics' },
]

async function expectPlain(token: string) {
  sent.push(token)
  const headers = { authorization: `Bearer ${token}` }
  const session = await knock(server.url, { route: 'GET /session' }, headers)
  expect(JSON.parse(session.text)).toMatchObject({ subject: 'mallory', role: 'user', publish: [] })
  for (const door of CLOSED) {
    expect(await knock(server.url, door, headers)).toMatchObject({ status: 403, code: 'access.denied' })
  }
}
