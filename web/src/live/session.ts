import { createSignal } from 'solid-js'
import { UNREACHABLE, unexpectedStatus } from '../ui/messages.ts'
import { stream } from './stream.ts'

/** What the user of this browser may do, and until when. */
export interface Session {
  /** `sub` of the token. */
  subject: string
  role: 'user' | 'operator'
  /** Patterns of the channels that may be read. */
  subscribe: readonly string[]
  /** Patterns of the channels that may be published to. */
  publish: readonly string[]
  /** When it ends, in milliseconds since the epoch; `Infinity` when it does not end. */
  expiresAt: number
}

/** How the server knows the user: not at all where it has no keys. */
export type Access =
  | { name: 'loading' }
  | { name: 'failed'; reason: string }
  | { name: 'anonymous' }
  /** @property reason why the session has ended; empty at first */
  | { name: 'signed out'; reason: string }
  | { name: 'signed in'; session: Session }

const ADDRESS = '/session'
/** Milliseconds between two attempts to read the session while the server is unreachable. */
const RETRY = 2000
/** Longest time of a timer of the browser, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1

const [access, setAccess] = createSignal<Access>({ name: 'loading' })

/** Who uses this browser. The cookie is out of reach of scripts, and nothing else is kept of a token. */
export { access }

/** Notifies the other tabs of this browser that the session has changed. */
const bus = 'BroadcastChannel' in globalThis ? new BroadcastChannel('sse-update session of the dashboard') : undefined
if (bus) bus.onmessage = () => void loadSession()

let timer: ReturnType<typeof setTimeout> | undefined
/** The subject whose data this tab holds. */
let subject: string | undefined

/** Asks the server who uses this browser. */
export async function loadSession(): Promise<void> {
  const response = await request('GET')
  if (response?.ok) await take(response)
  else if (response?.status === 401) endSession()
  else if (access().name === 'loading' || access().name === 'failed') {
    setAccess({ name: 'failed', reason: response ? unexpectedStatus(response.status) : UNREACHABLE })
    setTimeout(() => access().name === 'failed' && void loadSession(), RETRY)
  }
}

/**
 * Begins or renews the session with a token. Streams that are open continue with its grant.
 *
 * @throws {Error} with a message for the user
 */
export async function signIn(token: string): Promise<void> {
  const response = await request('POST', { authorization: `Bearer ${token.replace(/^Bearer\s+/i, '').trim()}` })
  if (!response?.ok) throw new Error(await problemOf(response))
  await take(response)
  bus?.postMessage('changed')
}

/** Ends the session, in all tabs. @throws {Error} with a message for the user */
export async function signOut(): Promise<void> {
  const response = await request('DELETE')
  if (!response?.ok && response?.status !== 401) throw new Error(await problemOf(response))
  bus?.postMessage('changed')
  // Nothing of the user stays in memory.
  location.reload()
}

/** The server does not accept the session: the user has to sign in. @param reason in words; empty when there was none */
export function endSession(reason = ''): void {
  clearTimeout(timer)
  const before = access()
  if (before.name === 'signed out') return
  setAccess({ name: 'signed out', reason: before.name === 'signed in' ? reason || 'The session has ended.' : '' })
}

async function take(response: Response): Promise<void> {
  const body = (await response.json()) as Omit<Session, 'subject' | 'expiresAt'> & {
    subject: string | null
    expiresAt: string | number | null
  }
  if (body.subject === null) {
    setAccess({ name: 'anonymous' })
    return
  }
  // What this tab holds, its stream included, is of another user.
  if (subject !== undefined && subject !== body.subject) location.reload()
  subject = body.subject
  const expiresAt = body.expiresAt === null ? Number.POSITIVE_INFINITY : new Date(body.expiresAt).getTime()
  setAccess({ name: 'signed in', session: { ...body, subject, expiresAt } })
  stream.retry()
  clearTimeout(timer)
  if (expiresAt < Number.POSITIVE_INFINITY) {
    timer = setTimeout(() => void loadSession(), Math.min(MAX_TIMER, Math.max(0, expiresAt - Date.now()) + RETRY / 4))
  }
}

const request = (method: string, headers: Record<string, string> = {}): Promise<Response | undefined> =>
  fetch(ADDRESS, { method, headers: { accept: 'application/json', ...headers } }).catch(() => undefined)

async function problemOf(response: Response | undefined): Promise<string> {
  if (!response) return UNREACHABLE
  const problem = (await response.json().catch(() => undefined)) as { detail?: string } | undefined
  return problem?.detail ?? unexpectedStatus(response.status)
}
