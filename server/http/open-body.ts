import { AppError } from '../platform/errors.ts'
import { SECOND } from '../platform/time.ts'
import type { BodyRefusal } from '../telemetry/telemetry.ts'
import { exhaustedFields } from './rate-limit.ts'

/** The rate at which a body has to arrive. */
export interface Pace {
  /** Milliseconds for the whole body; `Infinity` is off. */
  timeout: number
  /** Minimum bytes a second, on average over each `window`. */
  leastRate: number
  /** Milliseconds of waiting for bytes; the time that the server takes to process them does not count. */
  window: number
}

/** Milliseconds after which an unfinished body is slow: it counts against the limits, and is the first to be refused. */
const SLOW = SECOND

/** One body that is being read. */
export class OpenBody {
  readonly pace: Pace
  readonly #address: () => string
  readonly #abort: () => void
  readonly #start = performance.now()
  /** Since when the server has waited for bytes; `undefined` while it processes those that arrived. */
  #waitingSince: number | undefined
  /** Milliseconds of waiting in the current window. */
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

  /** Starts the clock: only the time of a read is the client's, not that of processing. */
  startReading(): void {
    this.#waitingSince = performance.now()
  }

  /** Stops the clock. */
  stopReading(): void {
    this.#waited += performance.now() - (this.#waitingSince ?? performance.now())
    this.#waitingSince = undefined
  }

  /** Whether the body is unfinished for more than a second. @param now of `performance.now()` */
  isSlow(now: number): boolean {
    return now - this.#start > SLOW
  }

  /** Whether its deadline has passed, or its rate was below the minimum in a window; begins the next window. */
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

  /** Ends the read that is under way, which then throws `refusal`. @param quota slow bodies that one address may have */
  refuse(reason: BodyRefusal, quota: number): void {
    this.end(refusalOf(reason, this.pace, quota))
  }

  /** Ends the read that is under way, which then throws the error. */
  end(error: AppError): void {
    this.refusal = error
    this.#abort()
  }
}

/** Seconds after which slow bodies of an address may have ended. */
const BUSY_SECONDS = 5

function refusalOf(reason: BodyRefusal, { timeout, leastRate }: Pace, quota: number): AppError {
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
        'Too many slow requests from this address are under way (MAX_BODIES_PER_ADDRESS). Wait until some have ended, and send it again.',
        {
          status: 429,
          retryAfter: BUSY_SECONDS,
          closesConnection: true,
          headers: exhaustedFields('bodies', quota, BUSY_SECONDS),
        },
      )
    case 'overloaded':
      return new AppError(
        'body.overloaded',
        'Too many requests are being received (MAX_BODIES, MAX_BODY_MEMORY). Nothing was changed; send it again.',
        { status: 503, retryAfter: 2, closesConnection: true },
      )
  }
}
