import { describe, expect, test } from 'bun:test'
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'
import { createIssuer, type IssuerSettings } from './issuer.ts'
import { createTokenVerifier } from './token-verifier.ts'

const SECRET = 'a secret of more than thirty-two bytes'
const CLAIMS = { subscribe: 'subscribe', publish: 'publish', role: 'role' }

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const pem = (key: typeof rsa.publicKey) => key.export({ type: 'spki', format: 'pem' }).toString()

type Claims = Record<string, unknown>
const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow
const defaults = (): Claims => ({ sub: 'alice', exp: seconds(60), iat: seconds(0) })

const sign = (claims: Claims, alg: string, key: Parameters<SignJWT['sign']>[0], header: Record<string, unknown> = {}) =>
  new SignJWT({ ...defaults(), ...claims }).setProtectedHeader({ alg, ...header }).sign(key)
const secretKey = new TextEncoder().encode(SECRET)
const hs = (claims: Claims = {}) => sign(claims, 'HS256', secretKey)

/** A token of any header, signed with HMAC or not at all. */
function forge(header: Claims, claims: Claims = {}, secret?: string | Buffer): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${encode(header)}.${encode({ ...defaults(), ...claims })}`
  return `${signed}.${secret === undefined ? '' : createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const verifierOf = async (...settings: IssuerSettings[]) =>
  createTokenVerifier(await Promise.all(settings.map(createIssuer)), CLAIMS)
const invalid = expect.objectContaining({ code: 'token.invalid', status: 401 })

describe('a token', () => {
  test('with the shared secret grants what its claims say', async () => {
    const { verify } = await verifierOf({ secret: SECRET })
    const token = await hs({ jti: 't1', subscribe: ['orders.{sub}.>'], publish: ['chat.{sub}'], role: 'operator' })
    const grant = await verify(token)
    expect(grant).toMatchObject({
      subject: 'alice',
      user: 'alice',
      subscribe: ['orders.alice.>'],
      publish: ['chat.alice'],
      role: 'operator',
      tokenId: 't1',
    })
    expect(grant.expiresAt).toBeGreaterThan(Date.now())
  })

  test('of a user may by default read what is theirs, and publish nothing', async () => {
    const { verify } = await verifierOf({ secret: SECRET })
    const grant = await verify(await hs({ sub: 'alice@example.com' }))
    expect(grant.subscribe).toEqual([
      'orders.alice@example%2Ecom.>',
      'tasks.alice@example%2Ecom.>',
      'notifications.alice@example%2Ecom',
      'broadcast',
    ])
    expect(grant.publish).toEqual([])
    expect(grant.role).toBe('user')
  })

  test.each([
    ['RS256', rsa],
    ['PS512', rsa],
    ['ES256', ec],
    ['EdDSA', ed],
  ] as const)('with a public key is verified: %s', async (alg, pair) => {
    const token = await sign({}, alg, pair.privateKey)
    const jwk = JSON.stringify(await exportJWK(pair.publicKey))
    for (const publicKey of [pem(pair.publicKey), jwk]) {
      expect((await (await verifierOf({ publicKey })).verify(token)).subject).toBe('alice')
    }
  })

  test('is refused when it has expired, at once: streams end then, too', async () => {
    const { verify } = await verifierOf({ secret: SECRET })
    await expect(verify(await hs({ exp: seconds(-60) }))).rejects.toMatchObject({ code: 'token.expired', status: 401 })
    await expect(verify(await hs({ exp: seconds(-1) }))).rejects.toMatchObject({ code: 'token.expired', status: 401 })
  })

  test('is refused when it never expires', async () => {
    const { verify } = await verifierOf({ secret: SECRET })
    await expect(verify(await hs({ exp: undefined }))).rejects.toEqual(invalid)
  })

  test('is refused before it becomes valid', async () => {
    const { verify } = await verifierOf({ secret: SECRET })
    await expect(verify(await hs({ nbf: seconds(60) }))).rejects.toEqual(invalid)
  })

  test('is refused with the wrong audience or issuer, or without one', async () => {
    const { verify } = await verifierOf({ secret: SECRET, issuer: 'https://id.example', audience: 'sse' })
    const right = { iss: 'https://id.example', aud: ['other', 'sse'] }
    expect((await verify(await hs(right))).subject).toBe('alice')
    for (const wrong of [{ aud: 'other' }, { aud: undefined }, { iss: 'https://evil.example' }, { iss: undefined }]) {
      await expect(verify(await hs({ ...right, ...wrong }))).rejects.toEqual(invalid)
    }
  })

  test.each([
    ['no algorithm', () => forge({ alg: 'none' })],
    ['no algorithm, in capitals', () => forge({ alg: 'NONE' })],
    ['another secret', () => forge({ alg: 'HS256' }, {}, 'some other secret of thirty-two bytes')],
    ['an empty secret', () => forge({ alg: 'HS256' }, {}, '')],
    ['no signature', () => forge({ alg: 'HS256' })],
    ['an unknown critical header', () => forge({ alg: 'HS256', crit: ['x'], x: 1 }, {}, SECRET)],
  ])('is refused when it is forged with %s', async (_name, make) => {
    const { verify } = await verifierOf({ secret: SECRET })
    await expect(verify(make())).rejects.toEqual(invalid)
  })

  test('is refused when the public key served as the secret of an HMAC', async () => {
    const publicKey = pem(rsa.publicKey)
    const { verify } = await verifierOf({ publicKey })
    for (const secret of [publicKey, publicKey.trim(), rsa.publicKey.export({ type: 'spki', format: 'der' })]) {
      await expect(verify(forge({ alg: 'HS256' }, {}, secret))).rejects.toEqual(invalid)
    }
  })

  test('can not bring its own key', async () => {
    const { verify } = await verifierOf({ publicKey: pem(rsa.publicKey) })
    const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = await exportJWK(attacker.publicKey)
    for (const header of [
      { jwk },
      { jku: 'http://127.0.0.1:1/keys' },
      { x5u: 'http://127.0.0.1:1/' },
      { kid: '../../dev/null' },
    ]) {
      await expect(verify(await sign({}, 'RS256', attacker.privateKey, header))).rejects.toEqual(invalid)
    }
  })

  test.each(['', 'x', 'a.b.c', '..', `${'x'.repeat(9000)}.y.z`, 'null.null.null'])('is not %p', async (text) => {
    for (const settings of [
      [{ secret: SECRET }],
      [
        { secret: SECRET, issuer: 'a' },
        { secret: SECRET, issuer: 'b' },
      ],
    ]) {
      await expect((await verifierOf(...settings)).verify(text)).rejects.toEqual(invalid)
    }
  })

  test.each([
    [{ sub: undefined }],
    [{ sub: '' }],
    [{ sub: 7 }],
    [{ sub: 'x'.repeat(81) }],
    [{ sub: 'a\u0000' }],
    [{ jti: 7 }],
    [{ jti: 'a\u0000' }],
    [{ jti: 'a\ud800' }],
    [{ jti: 'x'.repeat(1001) }],
    [{ iat: seconds(60) }],
    [{ exp: seconds(401 * 24 * 3600) }],
    [{ exp: seconds(401 * 24 * 3600), iat: undefined }],
    [{ exp: 1e300 }],
    [{ exp: '9999999999' }],
    [{ sub: '.'.repeat(34), role: 'operator' }],
    [{ subscribe: 'orders.>' }],
    [{ subscribe: [7] }],
    [{ subscribe: ['a..b'] }],
    [{ subscribe: ['orders.x{sub}'] }],
    [{ publish: Array(65).fill('a') }],
    [{ role: ['operator'] }],
  ] as [Claims][])('is refused with claims like %j', async (claims) => {
    const { verify } = await verifierOf({ secret: SECRET })
    await expect(verify(await hs(claims))).rejects.toEqual(invalid)
  })

  test('of one of several issuers is verified with that issuer’s key alone', async () => {
    const { verify } = await verifierOf(
      { issuer: 'https://a.example', secret: SECRET },
      { issuer: 'https://b.example', publicKey: pem(ec.publicKey) },
    )
    expect((await verify(await hs({ iss: 'https://a.example' }))).subject).toBe('alice')
    const ofB = await sign({ iss: 'https://b.example' }, 'ES256', ec.privateKey)
    expect((await verify(ofB)).subject).toBe('alice')
    await expect(verify(await hs({ iss: 'https://b.example' }))).rejects.toEqual(invalid)
    await expect(verify(await hs({ iss: 'https://c.example' }))).rejects.toEqual(invalid)
  })
})

describe('a key', () => {
  test.each([
    [{ secret: 'too short' }, 'at least 32 are required'],
    [{ publicKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }, 'private'],
    [{ publicKey: '/no/such/file' }, 'there is no file'],
    [{ publicKey: JSON.stringify({ kty: 'oct', k: 'AA' }) }, 'not a public key'],
    [{ publicKey: pem(generateKeyPairSync('x25519').publicKey) }, 'must be RSA'],
    [{ jwksUrl: 'http://id.example/keys' }, 'https://'],
    [{ jwksUrl: 'file:///etc/passwd' }, 'https://'],
    [{}, 'exactly one'],
    [{ secret: SECRET, jwksUrl: 'https://id.example' }, 'exactly one'],
  ] as [IssuerSettings, string][])('is refused, with a reason: %#', async (settings, reason) => {
    await expect(createIssuer(settings)).rejects.toThrow(reason)
  })
})

describe('a JWK Set', () => {
  const serve = (keys: () => Promise<unknown> | unknown, onRequest = () => {}) => {
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch() {
        onRequest()
        const body = await keys()
        return body instanceof Response ? body : Response.json({ keys: body })
      },
    })
    return { url: `http://127.0.0.1:${server.port}/keys`, [Symbol.asyncDispose]: () => server.stop(true) }
  }
  const keyOf = async (pair: typeof ec, kid: string) => ({ ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256' })

  test('is fetched once, and its keys verify tokens', async () => {
    let requests = 0
    await using keys = serve(
      async () => [await keyOf(ec, '1')],
      () => requests++,
    )
    const { verify } = await verifierOf({ jwksUrl: keys.url })
    const token = await sign({}, 'ES256', ec.privateKey, { kid: '1' })
    for (const grant of await Promise.all([verify(token), verify(token)])) expect(grant.subject).toBe('alice')
    expect(requests).toBe(1)
  })

  test('is not fetched again for each token with an unknown key', async () => {
    let requests = 0
    await using keys = serve(
      async () => [await keyOf(ec, '1')],
      () => requests++,
    )
    const { verify } = await verifierOf({ jwksUrl: keys.url })
    for (let n = 0; n < 5; n++) {
      await expect(verify(await sign({}, 'ES256', ec.privateKey, { kid: randomUUID() }))).rejects.toEqual(invalid)
    }
    expect(requests).toBe(1)
  })

  test('verifies no token with a shared secret', async () => {
    await using keys = serve(() => [
      { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), alg: 'HS256', kid: '1' },
    ])
    const { verify } = await verifierOf({ jwksUrl: keys.url })
    await expect(verify(await hs())).rejects.toEqual(invalid)
  })

  test.each([
    ['an error', () => new Response('no', { status: 500 })],
    ['a redirect', () => Response.redirect('http://127.0.0.1:1/')],
    ['no JSON', () => new Response('<html>')],
    ['no list of keys', () => Response.json({ error: 'busy' })],
    ['too many bytes', () => new Response('x'.repeat(2 ** 20 + 1))],
  ])('that is %s leaves tokens unverified, with 503', async (_name, response) => {
    await using keys = serve(response)
    const { verify } = await verifierOf({ jwksUrl: keys.url })
    const token = await sign({}, 'ES256', ec.privateKey)
    await expect(verify(token)).rejects.toMatchObject({ code: 'token.unverifiable', status: 503, retryAfter: 5 })
  })

  test('that can not be reached leaves tokens unverified, with 503', async () => {
    const { verify } = await verifierOf({ jwksUrl: 'http://127.0.0.1:1/keys' })
    const token = await sign({}, 'ES256', ec.privateKey)
    await expect(verify(token)).rejects.toMatchObject({ code: 'token.unverifiable' })
  })
})
