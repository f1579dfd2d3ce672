// Tokens whose headers bring a key, or name one: at each door, as a bearer credential and in a session's cookie.

import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import { presentToken } from '../../testing/doors.ts'
import { forgeToken } from '../../testing/forged-token.ts'
import { expectRefused, type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { claimsOf, signedBy, startIssuers, type TestIssuer } from '../../testing/issuers.ts'
import { TOKEN_SECRET } from '../../testing/tokens.ts'

const issuers = startIssuers()
const { hs, ec, jwks } = issuers
const OPERATOR = { role: 'operator' }
const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = attacker.publicKey.export({ format: 'jwk' })

/** A server of the attacker's keys, which must not be asked. */
let fetches = 0
const evil = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch() {
    fetches++
    return Response.json({ keys: [{ ...jwk, kid: 'evil', alg: 'ES256' }] })
  },
})
const evilUrl = `http://127.0.0.1:${evil.port}/keys`

let server: GuardedServer
const sent: string[] = []
beforeAll(async () => {
  server = await startGuarded({ JWT_ISSUERS: issuers.setting }, signedBy(hs, OPERATOR))
}, 60_000)
afterEach(() => server.expectUntouched())
afterAll(async () => {
  server.expectNotLogged([...sent, TOKEN_SECRET])
  await Promise.all([server[Symbol.asyncDispose](), issuers[Symbol.asyncDispose](), evil.stop(true)])
})

async function expectForged(token: string) {
  sent.push(token)
  expectRefused(await presentToken(server.url, token), token)
}

test.each([
  { jku: evilUrl },
  { jku: evilUrl, kid: 'evil' },
  { x5u: evilUrl },
  { jwk },
  { jwk: { ...jwk, kid: 'k1' }, kid: 'k1' },
  { x5c: [attacker.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
  { kid: evilUrl },
])('a key that the token brings is ignored, and no server of the attacker is asked: %j', async (header) => {
  for (const issuer of [ec, jwks]) {
    await expectForged(forgeToken({ alg: 'ES256', ...header }, claimsOf(issuer, OPERATOR), attacker.privateKey))
  }
  expect(fetches).toBe(0)
})

test.each([
  '../../../../../../dev/null',
  '/dev/null',
  "x' union select 'secret' --",
  '$(touch /tmp/x)',
  '__proto__',
  'constructor',
  '\u0000',
  'k1\u0000',
  'x'.repeat(4000),
  ['k1'],
  { $ne: null },
  7,
  null,
])('a key id selects nothing but a key of the issuer: %#', async (kid) => {
  const claims = (issuer: TestIssuer) => claimsOf(issuer, OPERATOR)
  await expectForged(forgeToken({ alg: 'ES256', kid }, claims(jwks), attacker.privateKey))
  await expectForged(forgeToken({ alg: 'HS256', kid }, claims(hs), ''))
  expect(issuers.fetches).toBeLessThanOrEqual(1)
})
