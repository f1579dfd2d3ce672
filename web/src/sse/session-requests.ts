import { parseRetryAfter, verdictOf } from '../../../server/protocol/reconnect-policy.ts'

/** Milliseconds until a response must have arrived. */
const TIMEOUT = 10_000

/** What the server says about a session; the rest of the response is for pages. */
interface SessionResponse {
  /** A time that `Date` reads; `null` for a session without an end. */
  expiresAt: string | number | null
}

/** A session could not be begun or renewed. The message is for people. */
export class SessionError extends Error {
  override name = 'SessionError'
  constructor(
    message: string,
    /** Whether the server has refused the token: another attempt with the same one is pointless. */
    readonly isRefused = false,
    /** Milliseconds until the server can be asked again, where it says so. */
    readonly retryAfter?: number,
  ) {
    super(message)
  }
}

/**
 * Begins a session with a token, or renews the one that the browser's cookie names. The token is in a header and nowhere else.
 *
 * @param address of the session, such as `/session`
 * @returns when it ends, in milliseconds since the epoch; `Infinity` when it does not end
 * @throws {SessionError}
 */
export async function postSession(address: string, token: string): Promise<number> {
  const response = await request(address, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  if (!response) throw new SessionError('The server is unreachable.')
  if (response.ok) return endOf(response)
  const problem = (await response.json().catch(() => undefined)) as { detail?: string } | undefined
  throw new SessionError(
    problem?.detail ?? `The server responded with status ${response.status}.`,
    verdictOf(response.status) === 'refused',
    parseRetryAfter(response.headers.get('retry-after'), Date.now()),
  )
}

/** When the session of the browser's cookie ends, as `postSession` returns it; `undefined` when there is none. */
export async function readSession(address: string): Promise<number | undefined> {
  const response = await request(address, { headers: { accept: 'application/json' } })
  return response?.ok ? endOf(response).catch(() => undefined) : undefined
}

/** `undefined` when there is no response. */
const request = (address: string, init: RequestInit): Promise<Response | undefined> =>
  fetch(address, { ...init, credentials: 'include', signal: AbortSignal.timeout(TIMEOUT) }).catch(() => undefined)

async function endOf(response: Response): Promise<number> {
  const { expiresAt } = (await response.json()) as SessionResponse
  return expiresAt === null ? Number.POSITIVE_INFINITY : new Date(expiresAt).getTime()
}
