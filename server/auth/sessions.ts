import type { IsSecure } from '../http/client-address.ts'
import { AppError, messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import type { NewEvent } from '../protocol/event.ts'
import { sessionEnded, sessionRenewed } from './access-events.ts'
import { countedAs } from './actor.ts'
import { authenticateSession, bearerOf } from './authenticate.ts'
import type { EndedSession } from './ended-session-store.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { Grant } from './grant.ts'
import { isKey } from './key-ring.ts'
import type { Leases } from './leases.ts'
import type { RequestRate } from './request-rate.ts'
import {
  createSessionId,
  expiredSessionCookie,
  hashSession,
  MAX_SESSION_TOKEN_LENGTH,
  readSession,
  type Session,
  sessionCookie,
} from './session-cookie.ts'
import type { TokenGrants } from './token-grants.ts'

/** Begins, renews and ends the sessions of browsers. */
export interface Sessions {
  /**
   * Begins a session with the bearer token of a request, or renews the one whose cookie it brings, if that is of the same
   * subject: its open streams have the new grant, on all instances.
   *
   * @returns the grant, and the value of `Set-Cookie`
   * @throws {AppError} `auth.required`, `token.invalid`, `token.expired`, `token.revoked` (401), `token.unverifiable` (503);
   * `session.key`, `session.insecure` (400); `session.too_large` (413); `request.too_fast` (429)
   */
  begin(request: Request): Promise<{ grant: Grant; cookie: string }>
  /**
   * Ends the session whose cookie a request brings, and its streams. Without a session that is accepted, it only clears the
   * cookie.
   *
   * @returns the value of `Set-Cookie`
   * @throws {AppError} `origin.required` (403); `request.too_fast` (429); what `store` and publishing throw, when other instances can't be
   * reached
   */
  end(request: Request): Promise<string>
}

/** What {@link createSessions} works with. */
export interface SessionsOptions {
  grantOfToken: TokenGrants
  leases: Pick<Leases, 'renew' | 'end'>
  endedSessions: EndedSessions
  /** Counts the requests that begin or end a session. */
  checkRate: RequestRate
  /** Whether a request came over TLS, to this server or to a trusted proxy. */
  isSecure: IsSecure
  /** Stores a session that was ended, for instances that do not see the event. */
  store: (ended: EndedSession) => Promise<void>
  /** Appends an event to the log, by which all instances see it. */
  publish: (event: NewEvent) => Promise<unknown>
  logger: Logger
}

/** Names under which a browser reaches its own machine: what is sent there crosses no network. */
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Sessions that are in their cookies: any instance accepts them, also while Postgres is unreachable. */
export const createSessions = (options: SessionsOptions): Sessions => ({
  async begin(request) {
    const token = tokenOf(request)
    const secure = options.isSecure(request)
    if (!secure && !isLoopback(request)) throw insecure()
    const grant = await options.grantOfToken(token)
    options.checkRate(countedAs(grant), request)
    if (token.length > MAX_SESSION_TOKEN_LENGTH) throw tooLarge(token.length)
    const now = Date.now()
    const expiresAt = grant.expiresAt ?? 0
    if (expiresAt <= now) throw new AppError('token.expired', 'The token has expired: get a new one.', { status: 401 })
    const known = await renewableId(readSession(request, secure), grant, options)
    if (known !== undefined) await renew(known, grant, options)
    const cookie = sessionCookie({ id: known ?? createSessionId(), token }, secure, expiresAt, now)
    return { grant, cookie }
  },

  async end(request) {
    const secure = options.isSecure(request)
    const session = readSession(request, secure)
    const grant = session && (await acceptedGrant(request, session, options))
    if (grant) options.checkRate(countedAs(grant), request)
    if (session && grant) await end(session.id, grant, options)
    return expiredSessionCookie(secure)
  },
})

/** @throws {AppError} `auth.required`, `session.key` */
function tokenOf(request: Request): string {
  const token = bearerOf(request)
  if (token === undefined) throw noToken()
  if (isKey(token)) throw isForKey()
  return token
}

/** Id of the session that is renewed: its cookie must be valid, and of the same subject. */
async function renewableId(
  session: Session | undefined,
  grant: Grant,
  { grantOfToken, endedSessions }: SessionsOptions,
): Promise<string | undefined> {
  if (!session || endedSessions.has(hashSession(session.id))) return undefined
  try {
    const { subject } = await grantOfToken(session.token)
    return subject === grant.subject ? session.id : undefined
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

async function renew(id: string, grant: Grant, { leases, publish, logger }: SessionsOptions): Promise<void> {
  const session = hashSession(id)
  leases.renew(session, grant, Date.now())
  try {
    await publish(sessionRenewed(session, grant))
  } catch (error) {
    // The cookie is renewed in any case: streams of other instances end when their token expires, and resume with it.
    logger.warn({ problem: messageOf(error) }, 'a renewed session could not be announced to other instances')
  }
}

async function end(id: string, grant: Grant, { leases, endedSessions, store, publish }: SessionsOptions) {
  const session = hashSession(id)
  const expiresAt = grant.expiresAt ?? 0
  endedSessions.add(session, expiresAt - Date.now())
  leases.end(session)
  // Before the event: an instance that follows the log when it reads what is stored misses nothing.
  await store({ session, subject: grant.subject ?? grant.user, expiresAt })
  await publish(sessionEnded(session, expiresAt))
}

/**
 * The grant of a session that a request may end. One that was ended here is ended once more: other instances may not have been
 * reachable.
 *
 * @throws {AppError} `origin.required` (403)
 */
async function acceptedGrant(request: Request, session: Session, options: SessionsOptions) {
  try {
    return (await authenticateSession(request, session, { ...options, endedSessions: { has: () => false } })).grant
  } catch (error) {
    if (error instanceof AppError && error.status === 401) return undefined
    throw error
  }
}

const isLoopback = (request: Request) =>
  LOOPBACK.test(URL.parse(`http://${request.headers.get('host') ?? ''}/`)?.hostname ?? '')

const noToken = () =>
  new AppError('auth.required', 'A session begins with a token: send "Authorization: Bearer …".', { status: 401 })

const isForKey = () =>
  new AppError(
    'session.key',
    'This is no token (a JWT: three parts, separated by dots). A session begins with a token of a user; a key is for programs, which send it with each request.',
  )

const tooLarge = (length: number) =>
  new AppError(
    'session.too_large',
    `The token has ${length} characters. A browser keeps a cookie with at most ${MAX_SESSION_TOKEN_LENGTH} of them: issue tokens with fewer claims or patterns, such as "orders.{sub}.>".`,
    { status: 413 },
  )

const insecure = () =>
  new AppError(
    'session.insecure',
    'A session cookie is sent over HTTPS only, or to the machine itself (http://localhost). Put the server behind a proxy that terminates TLS, preserves Host and sends X-Forwarded-Proto.',
  )
