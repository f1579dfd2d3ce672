import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { importJWK, type JWK, type JWTVerifyGetKey } from 'jose'
import { createRemoteKeys } from './remote-keys.ts'

/** Where tokens come from, as configured: exactly one of `secret`, `publicKey` and `jwksUrl`. */
export interface IssuerSettings {
  /** Required value of `iss`; any when it is missing. */
  issuer?: string | undefined
  /** Required in `aud`; any when it is missing. */
  audience?: string | undefined
  /** Shared secret of at least 32 bytes. */
  secret?: string | undefined
  /** PEM, JWK, or the path of a file with one. */
  publicKey?: string | undefined
  /** Address of a JWK Set; https, or http on loopback. */
  jwksUrl?: string | undefined
}

/** One source of tokens: what its tokens must say, and the key that verifies them. */
export interface Issuer {
  issuer: string | undefined
  audience: string | undefined
  /** Fixed by the kind of the key (RFC 8725, section 3.1), so a token can't choose another one. */
  algorithms: readonly string[]
  key: JWTVerifyGetKey
}

const MIN_SECRET_BYTES = 32

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const EC: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }
const EDDSA = ['EdDSA', 'Ed25519']
/** Of a JWK Set, whose keys decide: never an algorithm with a shared secret. */
const ASYMMETRIC = [...RSA, ...Object.values(EC), ...EDDSA]

/**
 * Reads the key of an issuer.
 *
 * @throws {Error} whose message completes "JWT_… is not usable: ": a secret that is too short, a key that can't be read, a
 * private key, a kind of key that signs no tokens
 */
export async function createIssuer({ issuer, audience, secret, publicKey, jwksUrl }: IssuerSettings): Promise<Issuer> {
  if ([secret, publicKey, jwksUrl].filter((key) => key !== undefined).length !== 1) {
    throw new Error('an issuer has exactly one of a secret, a public key and a JWKS URL')
  }
  const common = { issuer, audience }
  if (secret !== undefined) return { ...common, algorithms: ['HS256'], key: secretKey(secret) }
  if (publicKey !== undefined) return { ...common, ...(await importPublicKey(publicKey)) }
  return { ...common, algorithms: ASYMMETRIC, key: createRemoteKeys(jwksUrl as string) }
}

function secretKey(secret: string): JWTVerifyGetKey {
  const key = new TextEncoder().encode(secret)
  if (key.byteLength >= MIN_SECRET_BYTES) return () => key
  throw new Error(
    `the secret has ${key.byteLength} bytes; at least ${MIN_SECRET_BYTES} are required (openssl rand -base64 48 makes one)`,
  )
}

async function importPublicKey(given: string): Promise<Pick<Issuer, 'algorithms' | 'key'>> {
  const text = readKeyText(given.trim())
  if (/PRIVATE KEY/.test(text)) throw new Error('it is a private key; configure the public one')
  const key = text.startsWith('{')
    ? createPublicKey({ key: publicJwk(text) as never, format: 'jwk' })
    : createPublicKey(text)
  const algorithms = algorithmsOf(key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve)
  const jwk = key.export({ format: 'jwk' }) as JWK
  const imported = new Map(
    await Promise.all(algorithms.map(async (algorithm) => [algorithm, await importJWK(jwk, algorithm)] as const)),
  )
  return {
    algorithms,
    key: ({ alg }) => {
      const found = imported.get(alg)
      if (found) return found
      throw new Error('unreachable: the algorithm was checked before')
    },
  }
}

/** A path is neither JSON nor PEM. */
function readKeyText(given: string): string {
  if (given.startsWith('{') || given.startsWith('-----BEGIN')) return given
  try {
    return readFileSync(given, 'utf8').trim()
  } catch {
    throw new Error('it is neither PEM nor a JWK, and there is no file with that name')
  }
}

function publicJwk(text: string): JWK {
  const jwk = JSON.parse(text) as JWK
  if (jwk.kty === 'oct' || jwk.d !== undefined) throw new Error('the JWK is not a public key')
  return jwk
}

function algorithmsOf(type: string | undefined, curve: string | undefined): readonly string[] {
  if (type === 'rsa') return RSA
  if (type === 'ed25519') return EDDSA
  const algorithm = type === 'ec' ? EC[curve ?? ''] : undefined
  if (algorithm !== undefined) return [algorithm]
  throw new Error('the key must be RSA, EC (P-256, P-384, P-521) or Ed25519')
}
