// Tokens of one issuer that pass for those of another, and an issuer that can not be reached.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { knock, presentToken } from '../../testing/doors.ts'
import { forgeToken } from '../../testing/forged-token.ts'
import { expectRefused, type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { AUDIENCE, claimsOf, secondsFromNow, signedBy, startIssuers } from '../../testing/issuers.ts'
import { TOKEN_SECRET } from '../../testing/tokens.ts'
import { until } from '../../testing/until.ts'

const issuers = startIssuers()
const { hs, rsa, jwks } = issuers
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

describe('an audience or issuer', () => {
  each([
    undefined,
    null,
    '',
    'other',
    [],
    ['other'],
    [[AUDIENCE]],
    { [AUDIENCE]: true },
    7,
    `${AUDIENCE} `,
    AUDIENCE.toUpperCase(),
  ])('is not that of the server: %j', async (aud) => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, aud }))
  })

  each([
    undefined,
    null,
    '',
    'https://evil.example',
    [hs.iss],
    `${hs.iss}/`,
    `${hs.iss}\u0000`,
    'HTTPS://HS.EXAMPLE',
    { toString: hs.iss },
  ])('is none of those that the server knows: %j', async (iss) => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, iss }))
  })

  test('is claimed by a token that the key of another issuer has signed', async () => {
    const all = [hs, rsa, issuers.ec, issuers.ed, jwks]
    for (const signer of all) {
      for (const claimed of all) {
        if (signer === claimed) continue
        const claims = claimsOf(claimed, OPERATOR)
        await expectInvalid(forgeToken(signer.header, claims, signer.key))
        await expectInvalid(
          forgeToken(
            claimed.header,
            claims,
            signer.header.alg === claimed.header.alg ? signer.key : TOKEN_SECRET.slice(1),
          ),
        )
      }
    }
  })

  test('is named twice: the key that verifies is that of the one that counts', async () => {
    const times = `"sub":"alice","exp":${secondsFromNow(60)}`
    const both = (first: string, last: string) => `"iss":"${first}","iss":"${last}",${times}`
    await expectInvalid(ofText(both(hs.iss, rsa.iss), hs))
    await expectInvalid(ofText(both(rsa.iss, hs.iss), rsa))
  })
})

test.each(['Ed25519', 'RS256', 'HS256'])('a key id of one issuer is not looked up at another: %s', async (alg) => {
  await expectInvalid(forgeToken({ alg, kid: 'k1' }, claimsOf(hs, OPERATOR), jwks.key))
  await expectInvalid(forgeToken({ alg, kid: 'k1' }, claimsOf(issuers.ed, OPERATOR), jwks.key))
})

test('while a JWK Set can not be fetched, its tokens cause few requests, and those of other issuers are accepted', async () => {
  await using broken = startIssuers()
  broken.isServing = false
  const good = signedBy(broken.hs, OPERATOR)
  await using guarded = await startGuarded({ JWT_ISSUERS: broken.setting }, good)
  const begin = performance.now()
  for (let n = 0; n < 20; n++) {
    const token = signedBy(broken.jwks, { ...OPERATOR, jti: `t${n}` }, { kid: `k${n}` })
    const answers = await presentToken(guarded.url, token)
    expect(answers.filter(({ status }) => status !== 503)).toEqual([])
    expect(new Set(answers.map(({ code }) => code ?? 'none'))).toEqual(new Set(['token.unverifiable', 'none']))
    const session = await knock(guarded.url, { route: 'GET /session' }, { authorization: `Bearer ${good}` })
    expect(session.status).toBe(200)
  }
  await guarded.expectUntouched()
  // One, and another one for each five seconds that this took.
  expect(broken.fetches).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - begin) / 5000))
}, 60_000)

test('a subject is the same user whichever issuer names it: rights and revocations are by the subject alone', async () => {
  const body = (token: string) => knock(server.url, { route: 'GET /session' }, { authorization: `Bearer ${token}` })
  const [first, second] = [hs, rsa].map((issuer) => signedBy(issuer, { sub: 'carol' })) as [string, string]
  const views = [JSON.parse((await body(first)).text), JSON.parse((await body(second)).text)]
  expect(views[0].subscribe).toEqual(views[1].subscribe)
  await server.database.sql`select sse.revoke('subject', 'carol')`
  for (const token of [first, second])
    await until(
      'revoked',
      () => body(token),
      ({ code }) => code === 'token.revoked',
    )
  await server.forget()
})
