import { LRUCache } from 'lru-cache'
import { AppError } from '../platform/errors.ts'
import type { Grant } from './grant.ts'
import type { KeyRing } from './key-ring.ts'
import type { Revocations } from './revocations.ts'
import { readSession } from './session-cookie.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** Who sends a request, and by which session, if any. */
export interface Authentication {
  grant: Grant
  /** Id of the session whose cookie the request brought; `null` for a bearer credential and without keys. */
  session: string | null
}

/**
 * Finds out who sends a request.
 *
 * @throws {AppError} `auth.required` (401) without a credential; `token.invalid`, `token.expired`, `token.revoked` and
 * `key.unknown` (401) for one that is not accepted; `token.unverifiable` (503)
 */
export type Authenticate = (request: Request) => Authentication | Promise<Authentication>

export interface AuthenticationOptions {
  verifier: TokenVerifier | undefined
  keys: KeyRing
  revocations: Revocations
  /** Whether a request came over TLS, to this server or to a trusted proxy. */
  isSecure: (request: Request) => boolean
}

/** Tokens whose verification is remembered: a signature costs 50 to 200 microseconds. */
const MAX_REMEMBERED = 10_000

const BEARER = /^Bearer +([\w.~+/=-]+)$/i

/** The form of a token (RFC 7515, section 3.1): three parts. A key of the configuration may look like one. */
const TOKEN = /^[\w-]*\.[\w-]*\.[\w-]*$/

/** Authentication by `Authorization: Bearer` (RFC 6750, section 2.1) with a token or a key, or by the session cookie. */
export function createAuthenticate({ verifier, keys, revocations, isSecure }: AuthenticationOptions): Authenticate {
  const verified = new LRUCache<string, Grant>({ max: MAX_REMEMBERED })

  const rememberedGrant = (token: string): Grant | undefined => {
    const known = verified.get(token)
    return known && (known.expiresAt ?? 0) > Date.now() ? checked(known) : undefined
  }

  const verify = (token: string): Promise<Grant> => {
    if (!verifier) throw new AppError('token.invalid', 'This server accepts keys only, not tokens.', { status: 401 })
    return verifier.verify(token).then((grant) => {
      verified.set(token, grant)
      return checked(grant)
    })
  }

  const grantOfToken = (token: string): Grant | Promise<Grant> => rememberedGrant(token) ?? verify(token)

  const checked = (grant: Grant): Grant => {
    if (revocations.covers(grant))
      throw new AppError('token.revoked', 'The token was revoked: get a new one.', { status: 401 })
    return grant
  }

  const grantOfCredential = (credential: string): Grant | Promise<Grant> => {
    const grant = rememberedGrant(credential) ?? keys.grantOf(credential)
    if (grant) return grant
    if (TOKEN.test(credential)) return verify(credential)
    throw new AppError('key.unknown', 'The key is not known, or was revoked.', { status: 401 })
  }

  return (request) => {
    const header = request.headers.get('authorization')
    if (header !== null) {
      const [, credential] = BEARER.exec(header) ?? []
      if (credential === undefined) {
        throw new AppError('auth.required', 'Authorization must be "Bearer" and a token or a key.', { status: 401 })
      }
      return settle(grantOfCredential(credential), null)
    }
    const session = readSession(request, isSecure(request))
    if (session) return settle(grantOfToken(session.token), session.id)
    throw new AppError(
      'auth.required',
      'A token or key is required: send "Authorization: Bearer …", or begin a session with POST /session.',
      { status: 401 },
    )
  }
}

const settle = (grant: Grant | Promise<Grant>, session: string | null) =>
  grant instanceof Promise ? grant.then((settled) => ({ grant: settled, session })) : { grant, session }
