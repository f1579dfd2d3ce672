import { AppError } from '../platform/errors.ts'
import { SECOND } from '../platform/time.ts'
import type { BodyRefusal } from '../telemetry/telemetry.ts'

/** What is asked of a body's sender. */
export interface Pace {
  /** Milliseconds for the whole body; `Infinity` for any. */
  timeout: number
  /** Bytes a second, on average over each `window`. */
  leastRate: number
  /** Milliseconds during which bytes were waited for. */
  window: number
}

/** Milliseconds after which an unfinished body is slow: it is counted, and has to make room for others. */
const SLOW = SECOND

/** One body that is being read. */
export class OpenBody {
  readonly pace: Pace
  readonly #address: () => string
  readonly #abort: () => void
  readonly #start = performance.now()
  /** Since when bytes are waited for; `undefined` while the server is busy with those that came. */
  #waitingSince: number | undefined
  /** Milliseconds of the window so far. */
  #waited = 0
  received = 0
  receivedInWindow = 0
  /** Bytes in memory. */
  held = 0
  /** Why it is not read any further. */
  refusal: AppError | undefined

  constructor(address: () => string, pace: Pace, abort: () => void) {
    this.#address = address
    this.pace = pace
    this.#abort = abort
  }

  get address(): string {
    return this.#address()
  }

  get isReading(): boolean {
    return this.#waitingSince !== undefined
  }

  /** What the client takes, and not the server, is the time that a read takes. */
  startReading(): void {
    this.#waitingSince = performance.now()
  }

  stopReading(): void {
    this.#waited += performance.now() - (this.#waitingSince ?? performance.now())
    this.#waitingSince = undefined
  }

  isSlow(now: number): boolean {
    return now - this.#start > SLOW
  }

  isTooSlow(now: number): boolean {
    if (!this.isReading) return false
    const { timeout, leastRate, window } = this.pace
    if (now - this.#start > timeout) return true
    const waited = this.#waited + now - (this.#waitingSince ?? now)
    if (waited < window) return false
    if (this.receivedInWindow < (leastRate * waited) / SECOND) return true
    this.#waited = 0
    this.#waitingSince = now
    this.receivedInWindow = 0
    return false
  }

  refuse(reason: BodyRefusal): void {
    this.refusal = refusalOf(reason, this.pace)
    this.#abort()
  }
}

function refusalOf(reason: BodyRefusal, { timeout, leastRate }: Pace): AppError {
  switch (reason) {
    case 'too_slow':
      return new AppError(
        'body.too_slow',
        `The body arrived at less than ${leastRate} bytes a second, or not within ${timeout / SECOND} s. Send it again, in smaller requests.`,
        { status: 408, retryAfter: 1, closesConnection: true },
      )
    case 'too_many':
      return new AppError(
        'body.too_many',
        'Too many slow requests of this address are under way (MAX_BODIES_PER_ADDRESS). Wait for some of them, and send it again.',
        { status: 429, retryAfter: 5, closesConnection: true },
      )
    case 'overloaded':
      return new AppError(
        'body.overloaded',
        'Too many requests are being received (MAX_BODIES, MAX_BODY_MEMORY). Nothing was changed; send it again.',
        { status: 503, retryAfter: 2, closesConnection: true },
      )
  }
}
