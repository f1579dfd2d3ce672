import { createReconnectPolicy } from '../../../server/protocol/reconnect-policy.ts'
import { postSession, readSession, SessionError } from './session-requests.ts'

/** Returns a token (JWT) for the user of the page: from the application's own server, which knows the user. */
export type GetToken = () => Promise<string>

/** Where a session is begun, and with what. */
export interface SessionOptions {
  /** Called when a session begins, and each time that it has to be renewed. */
  getToken: GetToken
  /** Address of the session, such as `/session`. */
  url: string
  /** Tabs with the same name renew once for all. */
  name: string
  /** Returns numbers from 0 to 1, for the jitter of the back-off. Defaults to `Math.random`. */
  random?: (() => number) | undefined
}

/** The message of a tab to the others after a renewal. */
type Result = { expiresAt: number } | { reason: string; isRefused: boolean }

/** The address of the session beside that of the stream: `/session` for `/events`. */
export const sessionAddress = (streamUrl: string): string => streamUrl.replace(/[^/]*$/, 'session')

/** Milliseconds that `getToken` may take: other tabs wait for it. */
const TOKEN_TIMEOUT = 60_000

/**
 * The session of a browser, which its cookie names and all tabs share. It begins with a token, and is renewed with another one
 * while streams stay open.
 *
 * **One renewal at a time, for all tabs**: a Web Lock lets one tab renew, and a BroadcastChannel carries the result to the
 * others. A tab that has waited for the lock first asks the server whether there is still something to renew. Where there are
 * no locks, each tab renews by itself.
 */
export class Session {
  readonly #options: SessionOptions
  readonly #bus: BroadcastChannel | undefined
  readonly #listeners = new Set<() => void>()
  readonly #policy
  /** When it ends, as far as this tab knows. */
  #expiresAt = 0
  /** Counts the results that other tabs have reported. */
  #reported = 0
  #last: Result | undefined
  #renewal: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.#policy = createReconnectPolicy(options.random && { random: options.random })
    if (!('locks' in navigator && 'BroadcastChannel' in globalThis)) return
    this.#bus = new BroadcastChannel(this.#lock)
    this.#bus.onmessage = ({ data }: MessageEvent<Result>) => this.#onReport(data)
  }

  /** Whether there is one that has not ended, as far as this tab knows. */
  get isCurrent(): boolean {
    return this.#expiresAt > Date.now()
  }

  /** Calls back after a renewal by another tab. Returns how to stop that. */
  onRenewed(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The server does not accept it, or has ended a stream because of it. */
  end(): void {
    this.#expiresAt = 0
  }

  /**
   * Begins or renews it; joins an attempt that is under way, in this tab or in another.
   *
   * @throws {SessionError}
   */
  renew(): Promise<void> {
    this.#renewal ??= this.#renewInTurn().finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  /** Renews it in the background; after a failure again and again, later each time, until it has ended. */
  async keep(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      await this.renew()
      this.#policy.reset()
    } catch (error) {
      if (error instanceof SessionError && error.retryAfter !== undefined) this.#policy.setLeastWait(error.retryAfter)
      this.#timer = setTimeout(() => this.isCurrent && void this.keep(), this.#policy.nextWait(Date.now()))
    }
  }

  /** Stops what this tab does for it. The session itself stays: it is that of all tabs. */
  close(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
    this.#bus?.close()
  }

  get #lock(): string {
    return `${this.#options.name} session`
  }

  async #renewInTurn(): Promise<void> {
    if (!this.#bus) return this.#begin()
    const before = { expiresAt: this.#expiresAt, reported: this.#reported }
    const { locks } = navigator
    const isDone = await locks.request(this.#lock, { ifAvailable: true }, async (lock) => {
      if (lock) await this.#begin()
      return lock !== null
    })
    if (!isDone) await locks.request(this.#lock, () => this.#beginAfterOther(before))
  }

  /** Another tab has renewed meanwhile, or has tried. Its report may not have arrived yet. */
  async #beginAfterOther(before: { expiresAt: number; reported: number }): Promise<void> {
    const report = this.#reported > before.reported ? this.#last : undefined
    if (report && 'reason' in report) throw new SessionError(report.reason, report.isRefused)
    if (report) return
    const expiresAt = await readSession(this.#options.url)
    if (expiresAt !== undefined && expiresAt > Math.max(before.expiresAt, Date.now())) this.#expiresAt = expiresAt
    else await this.#begin()
  }

  async #begin(): Promise<void> {
    try {
      this.#expiresAt = await postSession(this.#options.url, await this.#token())
      this.#report({ expiresAt: this.#expiresAt })
    } catch (error) {
      const { message, isRefused } = error as SessionError
      this.#report({ reason: message, isRefused })
      throw error
    }
  }

  async #token(): Promise<string> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error('it took too long')), TOKEN_TIMEOUT)
    try {
      return await Promise.race([this.#options.getToken(), promise])
    } catch (error) {
      throw new SessionError(`The page could not get a token: ${(error as Error)?.message ?? error}.`)
    } finally {
      clearTimeout(timer)
    }
  }

  #report(result: Result): void {
    this.#bus?.postMessage(result)
  }

  #onReport(result: Result): void {
    this.#reported++
    this.#last = result
    if (!('expiresAt' in result)) return
    this.#expiresAt = result.expiresAt
    for (const listener of this.#listeners) listener()
  }
}
