import { LRUCache } from 'lru-cache'
import { AppError } from '../platform/errors.ts'
import type { Grant } from './grant.ts'
import type { Revocations } from './revocations.ts'
import type { TokenVerifier } from './token-verifier.ts'

/**
 * The grant of a token that is valid now.
 *
 * @throws {AppError} `token.invalid`, `token.expired`, `token.revoked` (401); `token.unverifiable` (503)
 */
export type TokenGrants = (token: string) => Grant | Promise<Grant>

/** Tokens whose verification is remembered: a signature costs 50 to 200 microseconds. */
const MAX_REMEMBERED = 10_000

/** @param verifier `undefined` when the server accepts no tokens */
export function createTokenGrants(
  verifier: TokenVerifier | undefined,
  revocations: Pick<Revocations, 'covers'>,
): TokenGrants {
  const verified = new LRUCache<string, Grant>({ max: MAX_REMEMBERED })

  const checked = (grant: Grant): Grant => {
    if (revocations.covers(grant))
      throw new AppError('token.revoked', 'The token was revoked: get a new one.', { status: 401 })
    return grant
  }

  return (token) => {
    const known = verified.get(token)
    if (known && (known.expiresAt ?? 0) > Date.now()) return checked(known)
    if (!verifier) throw new AppError('token.invalid', 'This server accepts keys only, not tokens.', { status: 401 })
    return verifier.verify(token).then((grant) => {
      verified.set(token, grant)
      return checked(grant)
    })
  }
}
