import { type JWTPayload, SignJWT } from 'jose'

/** The shared secret of test tokens. An instance accepts them when it is started with `JWT_SECRET: TOKEN_SECRET`. */
export const TOKEN_SECRET = 'a secret of the tests, with more than thirty-two bytes'

/** Claims of a test token. */
export interface TestClaims extends JWTPayload {
  sub: string
  subscribe?: string[]
  publish?: string[]
  role?: 'user' | 'operator'
}

/** How a test token departs from one that is valid for ten minutes. */
export interface TokenOptions {
  /** Seconds from now until it expires; negative for one that has expired. Defaults to 600. */
  ttl?: number
  secret?: string
}

/**
 * Mints a token (HS256), issued now.
 *
 * @param claims replace the defaults, `iat` and `exp` among them; `sub` alone makes the token of a plain user
 */
export function tokenOf(claims: TestClaims, { ttl = 600, secret = TOKEN_SECRET }: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ iat: now, exp: now + ttl, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret))
}

/** The headers of a request with a test token: `fetch(url, { headers: await bearer({ sub: 'alice' }) })`. */
export const bearer = async (claims: TestClaims, options?: TokenOptions): Promise<{ authorization: string }> => ({
  authorization: `Bearer ${await tokenOf(claims, options)}`,
})
