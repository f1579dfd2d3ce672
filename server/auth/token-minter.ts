import { SignJWT } from 'jose'
import type { Config } from '../platform/config.ts'
import { SECOND } from '../platform/time.ts'
import { grantFromClaims } from './claims.ts'
import { createIssuer } from './issuer.ts'

/** What a token is to say. */
export interface TokenRequest {
  /** Claim `sub`. */
  subject: string
  /** Patterns of the channels that may be read; the server's default without it. */
  subscribe?: readonly string[] | undefined
  /** Patterns of the channels that may be published to; the server's default without it. */
  publish?: readonly string[] | undefined
  role?: 'user' | 'operator' | undefined
  /** Milliseconds until it expires. */
  lifetime: number
  /** Claim `jti`, by which the token can be revoked; none without it. */
  tokenId?: string | undefined
}

/** The settings that a token depends on: the secret, and what the server requires of a token. */
export type MintSettings = Pick<
  Config,
  'jwtIssuer' | 'jwtAudience' | 'jwtSubscribeClaim' | 'jwtPublishClaim' | 'jwtRoleClaim'
> & { jwtSecret: string }

/**
 * Signs a token (HS256) that a server with the same settings accepts.
 *
 * @throws {AppError} `token.invalid` for a subject or a pattern that the server would refuse
 * @throws {Error} for a secret that is too short
 */
export async function mintToken(config: MintSettings, request: TokenRequest, now = Date.now()): Promise<string> {
  await createIssuer({ secret: config.jwtSecret })
  const names = { subscribe: config.jwtSubscribeClaim, publish: config.jwtPublishClaim, role: config.jwtRoleClaim }
  const { subject, subscribe, publish, role, lifetime, tokenId } = request
  const issuedAt = Math.floor(now / SECOND)
  const claims = {
    sub: subject,
    ...(subscribe && { [names.subscribe]: subscribe }),
    ...(publish && { [names.publish]: publish }),
    ...(role && { [names.role]: role }),
    ...(tokenId !== undefined && { jti: tokenId }),
    ...(config.jwtIssuer !== undefined && { iss: config.jwtIssuer }),
    ...(config.jwtAudience !== undefined && { aud: config.jwtAudience }),
    iat: issuedAt,
    exp: issuedAt + Math.ceil(lifetime / SECOND),
  }
  grantFromClaims(claims, names)
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(config.jwtSecret))
}
