import type { IsSecure } from '../http/client-address.ts'
import { senderOf } from '../http/origin.ts'
import { AppError } from '../platform/errors.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { Grant } from './grant.ts'
import { isKey, type KeyRing } from './key-ring.ts'
import { hashSession, readSession, type Session } from './session-cookie.ts'
import type { TokenGrants } from './token-grants.ts'

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
 * `key.unknown` (401) for one that is not accepted; `origin.required` (403); `token.unverifiable` (503)
 */
export type Authenticate = (request: Request) => Authentication | Promise<Authentication>

/** What {@link createAuthenticate} works with. */
export interface AuthenticationOptions {
  grantOfToken: TokenGrants
  keys: KeyRing
  endedSessions: EndedSessions
  /** Whether a request came over TLS, to this server or to a trusted proxy. */
  isSecure: IsSecure
}

const BEARER = /^Bearer +([\w.~+/=-]+)$/i

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/** Authentication by `Authorization: Bearer` (RFC 6750, section 2.1) with a token or a key, or by the session cookie. */
export function createAuthenticate(options: AuthenticationOptions): Authenticate {
  const { grantOfToken, keys, isSecure } = options

  const grantOfCredential = (credential: string): Grant | Promise<Grant> => {
    const grant = keys.grantOf(credential)
    if (grant) return grant
    if (!isKey(credential)) return grantOfToken(credential)
    throw new AppError(
      'key.unknown',
      'This is no token (a JWT: three parts, separated by dots) and no key that is known; or the key was revoked.',
      { status: 401 },
    )
  }

  return (request) => {
    const credential = bearerOf(request)
    if (credential !== undefined) return settle(grantOfCredential(credential), null)
    const session = readSession(request, isSecure(request))
    if (session) return authenticateSession(request, session, options)
    throw new AppError(
      'auth.required',
      'A token or key is required: send "Authorization: Bearer …", or begin a session with POST /session.',
      { status: 401 },
    )
  }
}

/**
 * Authenticates a request by the session that its cookie names.
 *
 * @throws {AppError} what `Authenticate` throws
 */
export function authenticateSession(
  request: Request,
  { id, token }: Session,
  {
    grantOfToken,
    endedSessions,
    isSecure,
  }: Pick<AuthenticationOptions, 'grantOfToken' | 'isSecure'> & { endedSessions: Pick<EndedSessions, 'has'> },
): Authentication | Promise<Authentication> {
  checkOwnPage(request, isSecure(request))
  if (endedSessions.has(hashSession(id))) {
    throw new AppError('token.revoked', 'The session was ended: begin another one.', { status: 401 })
  }
  return settle(grantOfToken(token), id)
}

/**
 * The credential of `Authorization`; `undefined` without the header.
 *
 * @throws {AppError} `auth.required` when it has another scheme or form
 */
export function bearerOf(request: Request): string | undefined {
  const header = request.headers.get('authorization')
  if (header === null) return undefined
  const [, credential] = BEARER.exec(header) ?? []
  if (credential !== undefined) return credential
  throw new AppError('auth.required', 'Authorization must be "Bearer" and a token or a key.', { status: 401 })
}

/**
 * A browser sends the cookie with whatever request a page makes it send: what changes something must come from a page of this
 * server (cross-site request forgery, CWE-352). `SameSite=Strict` alone would let in pages of sibling domains.
 */
function checkOwnPage(request: Request, isSecure: boolean): void {
  if (SAFE_METHODS.includes(request.method) || senderOf(request, isSecure) === 'own') return
  throw new AppError(
    'origin.required',
    'With a session cookie, only pages of this server may change something (Origin or Sec-Fetch-Site). Programs send "Authorization: Bearer …" instead.',
    { status: 403 },
  )
}

const settle = (grant: Grant | Promise<Grant>, session: string | null) =>
  grant instanceof Promise ? grant.then((settled) => ({ grant: settled, session })) : { grant, session }
