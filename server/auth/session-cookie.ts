import { createHash, randomBytes } from 'node:crypto'
import { SECOND } from '../platform/time.ts'

/** A session: the streams and requests of one browser, whose token can be replaced. */
export interface Session {
  /** 128 random bits. It only names the session: what it may do is in the token. */
  id: string
  /** The token that was last set. */
  token: string
}

/** Where the cookie is sent without TLS: only on loopback. */
const PLAIN_NAME = 'sse_session'
/** Browsers accept the prefix only with `Secure`, `Path=/` and no `Domain`, so no other host can set it (RFC 6265bis, 4.1.3.2). */
export const SECURE_NAME = '__Host-sse_session'

const SESSION = /^([\w-]{22})\.([\w-]+\.[\w-]+\.[\w-]+)$/

/** A new session's id. */
export const createSessionId = (): string => randomBytes(16).toString('base64url')

/** What events and memory hold of a session's id: who reads them can't use the session. */
export const hashSession = (id: string): string => createHash('sha256').update(id).digest('base64url')

/**
 * The session that a request's cookie names; `undefined` when there is none, or it has another form. Of two different ones it
 * can't be told which of them this server has set (RFC 6265, section 8.6), so neither counts.
 */
export function readSession(request: Request, isSecure: boolean): Session | undefined {
  const name = isSecure ? SECURE_NAME : PLAIN_NAME
  let found: Session | undefined
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const [key, value = ''] = pair.trim().split('=', 2)
    const [, id, token] = (key === name && SESSION.exec(value)) || []
    if (id === undefined || token === undefined) continue
    if (found && (found.id !== id || found.token !== token)) return undefined
    found = { id, token }
  }
  return found
}

/** Most characters of a cookie: a browser ignores, without a word, one whose name and value are longer (RFC 6265bis, 5.6). */
const MAX_COOKIE_LENGTH = 4096

/** Most characters of a token that fits into a cookie. */
export const MAX_SESSION_TOKEN_LENGTH = MAX_COOKIE_LENGTH - SECURE_NAME.length - '.'.length - 22

/** Value of `Set-Cookie` that begins or renews a session. @param expiresAt milliseconds since the Unix epoch */
export const sessionCookie = ({ id, token }: Session, isSecure: boolean, expiresAt: number, now: number): string =>
  cookie(`${id}.${token}`, isSecure, Math.max(0, Math.ceil((expiresAt - now) / SECOND)))

/** Value of `Set-Cookie` that ends a session. */
export const expiredSessionCookie = (isSecure: boolean): string => cookie('', isSecure, 0)

const cookie = (value: string, isSecure: boolean, maxAge: number) =>
  `${isSecure ? SECURE_NAME : PLAIN_NAME}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
