import { createHmac, type KeyObject, sign } from 'node:crypto'

/** JSON text or a value, as a part of a token. */
export const encodePart = (part: unknown): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

/** What signs a forged token: a secret (HMAC) or a private key (RSA, EC or Ed25519). */
export type SigningKey = string | Buffer | KeyObject

/**
 * A token that no library would make: any header, any claims, signed by whatever key, or not at all.
 *
 * @param header its `alg` decides the digest alone (SHA-256 unless it ends in 384 or 512), and is otherwise not looked at
 * @param claims a text is taken as it is, for JSON with duplicated members or numbers that JavaScript can't hold
 * @param key without one, the signature is empty
 */
export function forgeToken(header: object | string, claims: object | string, key?: SigningKey): string {
  const signed = `${encodePart(header)}.${encodePart(claims)}`
  return `${signed}.${key === undefined ? '' : signatureOf(signed, digestOf(header), key)}`
}

const digestOf = (header: object | string) => /(?:384|512)(?="|$)/.exec(JSON.stringify(header))?.[0] ?? '256'

function signatureOf(signed: string, digest: string, key: SigningKey): string {
  const bytes = Buffer.from(signed)
  if (typeof key === 'string' || Buffer.isBuffer(key)) {
    return createHmac(`sha${digest}`, key).update(bytes).digest('base64url')
  }
  if (key.asymmetricKeyType === 'ed25519') return sign(null, bytes, key).toString('base64url')
  return sign(`sha${digest}`, bytes, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}
