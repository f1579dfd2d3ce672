import { createReconnectPolicy, type ReconnectPolicy } from '../../../server/protocol/reconnect-policy.ts'

/** What the timer calls, and what it draws its random waits from. */
export interface ReconnectTimerOptions {
  /** Begins another connection. */
  connect: () => void
  /** Nothing arrived for the silence limit: the connection counts as lost. */
  onSilence: () => void
  /** Returns numbers from 0 to 1. Defaults to `Math.random`. */
  random?: (() => number) | undefined
}

/** Least time, in milliseconds, for an attempt that the browser makes: it waits for the server's reconnection time first. */
const BROWSER_RECONNECT = 10_000

/** The policy of all clients with the two timers of one stream: for silence, and for the next attempt. Only one of them runs. */
export class ReconnectTimer {
  /** Receives what the server says about times. */
  readonly policy: ReconnectPolicy
  readonly #options: ReconnectTimerOptions
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: ReconnectTimerOptions) {
    this.#options = options
    this.policy = createReconnectPolicy(options.random && { random: options.random })
  }

  /** Something arrived, or an attempt begins: the limit counts from now on. @param limit defaults to the silence limit */
  watch(limit = this.policy.silenceLimit): void {
    this.#watch(limit)
  }

  /** The browser reconnects by itself, and needs time for that. */
  watchBrowser(): void {
    this.#watch(Math.max(BROWSER_RECONNECT, this.policy.silenceLimit))
  }

  /** Connects after the wait of the policy. Returns when that is, in milliseconds since the epoch. */
  retry(): number {
    const now = Date.now()
    const wait = this.policy.nextWait(now)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#options.connect(), wait)
    return now + wait
  }

  /** Stops both timers. */
  stop(): void {
    clearTimeout(this.#timer)
  }

  #watch(limit: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#options.onSilence(), limit)
  }
}
