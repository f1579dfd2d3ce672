// Tokens that an issuer has signed, which are valid too long, too early or for ever.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { knockEverywhere, presentToken } from '../../testing/doors.ts'
import { forgeToken } from '../../testing/forged-token.ts'
import { expectRefused, type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { AUDIENCE, secondsFromNow, signedBy, startIssuers } from '../../testing/issuers.ts'
import { TOKEN_SECRET } from '../../testing/tokens.ts'

const issuers = startIssuers()
const { hs, rsa } = issuers
const OPERATOR = { role: 'operator' }
const DAY = 24 * 3600

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
const BASE = `"iss":"${hs.iss}","sub":"alice"`

describe('a time', () => {
  each([-60, -11, -1e9])('in the past has expired: %d s', async (seconds) => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, exp: secondsFromNow(seconds) }), 'token.expired')
  })

  each([0, -1, 0.5, -1e300])('long ago has expired: %d', async (exp) => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, exp }), 'token.expired')
  })

  each([
    undefined,
    null,
    '9999999999',
    '',
    true,
    [secondsFromNow(60)],
    { valueOf: secondsFromNow(60) },
    1e12,
    8.64e12,
    Number.MAX_SAFE_INTEGER,
    1e300,
    Number.MAX_VALUE,
  ])('that is no time, or too far ahead, is no expiry: %p', async (exp) => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, exp }))
  })

  each(['1e400', '1e308', '99999999999999999999999', '-1e400', 'NaN', 'Infinity', '0x7fffffff', '01'])(
    'that JavaScript can not hold is no expiry: %s',
    async (exp) => {
      await expectInvalid(ofText(`${BASE},"exp":${exp}`), exp === '-1e400' ? 'token.expired' : undefined)
    },
  )

  test('of issue in the future does not let a token outlive the revocation of its subject', async () => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, iat: secondsFromNow(3600), exp: secondsFromNow(7200) }))
    await expectInvalid(signedBy(hs, { ...OPERATOR, iat: secondsFromNow(60) }))
    await expectInvalid(signedBy(hs, { ...OPERATOR, iat: 1e300 }))
    await expectInvalid(ofText(`${BASE},"iat":1e400,"exp":${secondsFromNow(60)}`))
  })

  test('that lets a token live longer than revocations are kept is refused', async () => {
    await expectInvalid(signedBy(hs, { ...OPERATOR, exp: secondsFromNow(401 * DAY) }))
    await expectInvalid(signedBy(hs, { ...OPERATOR, iat: undefined, exp: secondsFromNow(401 * DAY) }))
    await expectInvalid(signedBy(hs, { ...OPERATOR, iat: secondsFromNow(-390 * DAY), exp: secondsFromNow(20 * DAY) }))
  })

  each([secondsFromNow(60), secondsFromNow(3600), 1e300, '0', null, [0]])(
    'before which it is not valid is in the future, or no time: %p',
    async (nbf) => {
      await expectInvalid(signedBy(hs, { ...OPERATOR, nbf }))
    },
  )
})

test('for comparison: the same doors open to the closest claims that are valid', async () => {
  const tokens = [
    signedBy(hs, {
      ...OPERATOR,
      iat: secondsFromNow(-10),
      exp: secondsFromNow(399 * DAY),
      nbf: secondsFromNow(-1),
      jti: 't',
    }),
    signedBy(hs, { ...OPERATOR, exp: secondsFromNow(60) + 0.5, aud: ['other', AUDIENCE] }),
    ofText(`${BASE},"exp":${secondsFromNow(60)}`),
    ofText(`"iss":"${rsa.iss}",${BASE},"exp":${secondsFromNow(60)}`),
  ]
  for (const token of tokens) {
    const answers = await knockEverywhere(server.url, { authorization: `Bearer ${token}` })
    expect(answers.filter(({ status }) => status >= 300)).toEqual([])
  }
  await server.forget()
})
