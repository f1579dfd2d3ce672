import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { forgeToken, type SigningKey } from './forged-token.ts'
import { TOKEN_SECRET } from './tokens.ts'

/** The audience that every test issuer requires. */
export const AUDIENCE = 'sse-tests'

/** An issuer of test tokens, with the key that signs them. */
export interface TestIssuer {
  iss: string
  header: { alg: string; kid?: string }
  key: SigningKey
  /** Its public key; `undefined` for one with a shared secret. */
  publicKey?: KeyObject
}

/** Issuers with a key of each kind, as the setting `JWT_ISSUERS` describes them. */
export interface TestIssuers extends AsyncDisposable {
  /** Value of `JWT_ISSUERS`. */
  setting: string
  hs: TestIssuer
  rsa: TestIssuer
  ec: TestIssuer
  ed: TestIssuer
  /** Its key comes from a JWK Set over HTTP. */
  jwks: TestIssuer
  /** Requests for the JWK Set so far. */
  readonly fetches: number
  /** Whether the JWK Set can be had. Defaults to `true`. */
  isServing: boolean
}

/** Starts issuers, with a server of the JWK Set on loopback. */
export function startIssuers(): TestIssuers {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ed = generateKeyPairSync('ed25519')
  const remote = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let fetches = 0
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch() {
      fetches++
      if (!result.isServing) return new Response('no', { status: 500 })
      return Response.json({ keys: [{ ...remote.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' }] })
    },
  })
  const of = (name: string, alg: string, key: SigningKey, publicKey?: KeyObject): TestIssuer => ({
    iss: `https://${name}.example`,
    header: { alg },
    key,
    ...(publicKey && { publicKey }),
  })
  const issuers = {
    hs: of('hs', 'HS256', TOKEN_SECRET),
    rsa: of('rsa', 'RS256', rsa.privateKey, rsa.publicKey),
    ec: of('ec', 'ES256', ec.privateKey, ec.publicKey),
    ed: of('ed', 'EdDSA', ed.privateKey, ed.publicKey),
    jwks: { ...of('jwks', 'ES256', remote.privateKey, remote.publicKey), header: { alg: 'ES256', kid: 'k1' } },
  }
  const setting = [
    { issuer: issuers.hs.iss, secret: TOKEN_SECRET },
    { issuer: issuers.rsa.iss, publicKey: pemOf(rsa.publicKey) },
    { issuer: issuers.ec.iss, publicKey: jwkOf(ec.publicKey) },
    { issuer: issuers.ed.iss, publicKey: pemOf(ed.publicKey) },
    { issuer: issuers.jwks.iss, jwksUrl: `http://127.0.0.1:${server.port}/keys` },
  ].map((issuer) => ({ ...issuer, audience: AUDIENCE }))
  const result: TestIssuers = {
    ...issuers,
    isServing: true,
    setting: JSON.stringify(setting),
    get fetches() {
      return fetches
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  }
  return result
}

/** A public key as PEM text. */
export const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

/** A public key as the text of a JWK. */
export const jwkOf = (key: KeyObject): string => JSON.stringify(key.export({ format: 'jwk' }))

/** Seconds since the Unix epoch. */
export const secondsFromNow = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

/** Claims that the issuer's tokens need: of `alice`, for ten minutes. */
export const claimsOf = ({ iss }: Pick<TestIssuer, 'iss'>, claims: object = {}): Record<string, unknown> => ({
  iss,
  aud: AUDIENCE,
  sub: 'alice',
  iat: secondsFromNow(0),
  exp: secondsFromNow(600),
  ...claims,
})

/** A token that the issuer signs. @param header replaces members of the issuer's own */
export const signedBy = (issuer: TestIssuer, claims: object = {}, header: object = {}): string =>
  forgeToken({ ...issuer.header, ...header }, claimsOf(issuer, claims), issuer.key)
