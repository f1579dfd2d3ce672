// Tokens that no issuer has signed: at each door, as a bearer credential and in a session's cookie.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import { DOORS, presentToken } from '../../testing/doors.ts'
import { encodePart, forgeToken } from '../../testing/forged-token.ts'
import { expectRefused, type GuardedServer, startGuarded } from '../../testing/guarded-server.ts'
import { claimsOf, jwkOf, pemOf, signedBy, startIssuers, type TestIssuer } from '../../testing/issuers.ts'
import { TOKEN_SECRET } from '../../testing/tokens.ts'

const issuers = startIssuers()
const { hs, rsa, ec, ed, jwks } = issuers
const ALL: readonly TestIssuer[] = [hs, rsa, ec, ed, jwks]
const OPERATOR = { role: 'operator' }

/** Keys that no issuer has. */
const attacker = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ed: generateKeyPairSync('ed25519'),
}

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

async function expectForged(token: string, code?: string) {
  sent.push(token)
  expectRefused(await presentToken(server.url, token), token, code)
}

describe('no token is accepted', () => {
  test.each(ALL)('that another key has signed: $iss', async (issuer) => {
    const { alg } = issuer.header
    const pair = alg.startsWith('RS') ? attacker.rsa : alg === 'ES256' ? attacker.ec : attacker.ed
    const key = issuer === hs ? 'another secret of more than thirty-two bytes' : pair.privateKey
    await expectForged(forgeToken(issuer.header, claimsOf(issuer, OPERATOR), key))
  })

  test.each(ALL)('whose claims were changed after it was signed: $iss', async (issuer) => {
    const [header, , signature] = signedBy(issuer).split('.')
    await expectForged(`${header}.${encodePart(claimsOf(issuer, OPERATOR))}.${signature}`)
  })

  test.each(ALL)('whose signature is missing, cut off, empty of value, or of another token: $iss', async (issuer) => {
    const [header, claims, signature = ''] = signedBy(issuer, OPERATOR).split('.')
    const other = signedBy(issuer, { ...OPERATOR, sub: 'eve' }).split('.')[2]
    const zeros = Buffer.alloc(Buffer.from(signature, 'base64url').length).toString('base64url')
    for (const forged of ['', signature.slice(0, -4), zeros, other]) await expectForged(`${header}.${claims}.${forged}`)
  })

  test.each(['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'null', '', 'HS256\u0000', 'hs256', 'HS1', 'RS1'])(
    'with the algorithm %j, with a signature or without',
    async (alg) => {
      for (const issuer of [hs, rsa, jwks]) {
        const token = forgeToken({ alg }, claimsOf(issuer, OPERATOR), TOKEN_SECRET)
        await expectForged(token)
        await expectForged(`${token.slice(0, token.lastIndexOf('.'))}.`)
      }
    },
  )

  test.each([[null], [0], [['none']], [['HS256']], [{ HS256: true }], [true], [undefined]])(
    'with an algorithm that is no text: %j',
    async (alg) => {
      for (const issuer of [hs, rsa]) await expectForged(forgeToken({ alg }, claimsOf(issuer, OPERATOR), TOKEN_SECRET))
    },
  )

  test.each([rsa, ec, ed, jwks])('with the public key as the secret of an HMAC: $iss', async (issuer) => {
    const publicKey = issuer.publicKey as NonNullable<typeof issuer.publicKey>
    const pem = pemOf(publicKey)
    const jwk = jwkOf(publicKey)
    const der = publicKey.export({ type: 'spki', format: 'der' })
    for (const secret of [pem, pem.trim(), pem.replaceAll('\n', '\r\n'), jwk, der, der.toString('base64')]) {
      await expectForged(forgeToken({ ...issuer.header, alg: 'HS256' }, claimsOf(issuer, OPERATOR), secret))
    }
    await expectForged(forgeToken({ ...issuer.header, alg: 'HS512' }, claimsOf(issuer, OPERATOR), pem))
  })

  test('with an algorithm of another size or kind than that of the key', async () => {
    await expectForged(forgeToken({ alg: 'HS512' }, claimsOf(hs, OPERATOR), TOKEN_SECRET))
    await expectForged(forgeToken({ alg: 'ES384' }, claimsOf(ec, OPERATOR), ec.key))
    await expectForged(forgeToken({ alg: 'EdDSA' }, claimsOf(rsa, OPERATOR), rsa.key))
    await expectForged(forgeToken({ alg: 'RS256' }, claimsOf(ed, OPERATOR), ed.key))
  })

  test('whose ECDSA signature is zero (CVE-2022-21449) or in DER', async () => {
    const [header, claims] = signedBy(ec, OPERATOR).split('.')
    const zeros = [Buffer.alloc(64), Buffer.from('3006020100020100', 'hex'), Buffer.alloc(0)]
    for (const bytes of zeros) await expectForged(`${header}.${claims}.${bytes.toString('base64url')}`)
  })
})

describe('a token of another form is not accepted', () => {
  test.each([
    [{ crit: ['x'], x: 1 }],
    [{ crit: ['exp'], exp: 1 }],
    [{ crit: [] }],
    [{ crit: 'x' }],
    [{ crit: ['b64'], b64: false }],
    [{ b64: false, crit: ['alg'] }],
  ])('with a critical header that the server does not know: %j', async (header) => {
    await expectForged(signedBy(hs, OPERATOR, header))
  })

  test.each([
    ['text that is no JSON', '{'],
    ['an array', '[{"sub":"alice"}]'],
    ['text', '"alice"'],
    ['null', 'null'],
    ['nothing', ''],
  ])('whose claims are %s', async (_, claims) => {
    await expectForged(forgeToken(hs.header, claims, TOKEN_SECRET))
  })

  test('that holds another token (nested), or more than 8 KB', async () => {
    const inner = signedBy(hs, OPERATOR)
    await expectForged(forgeToken({ alg: 'HS256', cty: 'JWT' }, inner, TOKEN_SECRET))
    await expectForged(signedBy(hs, { ...OPERATOR, padding: 'x'.repeat(8192) }))
    await expectForged(signedBy(hs, { ...OPERATOR, padding: 'x'.repeat(20_000) }))
  })

  test('whose header names another algorithm a second time', async () => {
    const claims = claimsOf(rsa, OPERATOR)
    for (const header of ['{"alg":"RS256","alg":"HS256"}', '{"alg":"HS256","alg":"none"}']) {
      await expectForged(forgeToken(header, claims, pemOf(rsa.publicKey as NonNullable<typeof rsa.publicKey>)))
    }
  })

  test('that is encrypted (JWE), or has another number of parts', async () => {
    const token = signedBy(hs, OPERATOR)
    const encrypted = `${encodePart({ alg: 'dir', enc: 'A256GCM' })}..${encodePart('iv')}.${encodePart('text')}.${encodePart('tag')}`
    for (const other of [encrypted, `${token}.${token}`, token.split('.').slice(0, 2).join('.'), `${token}.`]) {
      const bearer = (await presentToken(server.url, other)).slice(0, DOORS.length)
      sent.push(other)
      // What has not the form of a token is looked up as a key; a session begins with a token only.
      const asKey = bearer.filter(({ door }) => !door.startsWith('POST /session'))
      expectRefused(asKey, other, 'key.unknown')
      expect(bearer.find(({ door }) => door.startsWith('POST /session'))).toMatchObject({
        status: 400,
        setCookie: null,
      })
    }
  })
})

test.each(ALL)('for comparison: the same doors open to a token that the issuer has signed: $iss', async (issuer) => {
  const answers = await presentToken(server.url, signedBy(issuer, OPERATOR))
  expect(answers.filter(({ status }) => status >= 300)).toEqual([])
  // These have created orders, tasks and notifications: the next check begins after them.
  await server.forget()
})
