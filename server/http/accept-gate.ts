import type { Descriptors } from '../platform/descriptors.ts'
import type { Logger } from '../platform/logger.ts'
import { SECOND } from '../platform/time.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'

/** What {@link AcceptGate} needs. */
export interface AcceptGateOptions {
  /** Counts the file descriptors of this process; `undefined` where they can't be counted. */
  count: (() => Descriptors) | undefined
  /** Descriptors that are not for streams. */
  reserve: (limit: number) => number
  /** Stops accepting connections. Open streams and requests under way continue. */
  pause: () => void
  /** Accepts connections again. @throws {Error} when the port was taken meanwhile */
  resume: () => void
  telemetry: Pick<Telemetry, 'limitReached'>
  logger: Pick<Logger, 'warn' | 'error'>
}

/** Milliseconds between two checks. */
const INTERVAL = SECOND / 20
const NO_LIMIT: Descriptors = { open: 0, limit: Number.POSITIVE_INFINITY }
/** Shares of the reserve that must be free to go on accepting, and to accept again. */
const LEAST_FREE = 0.4
const ENOUGH_FREE = 0.5

/**
 * Stops accepting connections while nearly all file descriptors are in use. Without it, Bun would accept until none is left:
 * connections to Postgres could not be replaced, no file be opened, and the event loop would spin, because connections that can't
 * be accepted wake it again and again.
 */
export class AcceptGate {
  readonly #options: AcceptGateOptions
  #timer: Timer | undefined
  #isPaused = false

  constructor(options: AcceptGateOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#options.count) this.#timer = setInterval(() => this.check(), INTERVAL)
  }

  /** It stays as it is: a server that stops accepts nothing any more. */
  stop(): void {
    clearInterval(this.#timer)
  }

  /** Compares the open descriptors with the limit. */
  check(): void {
    const { count, reserve } = this.#options
    const { open, limit } = count?.() ?? NO_LIMIT
    if (limit === Number.POSITIVE_INFINITY) return
    const free = (limit - open) / reserve(limit)
    if (!this.#isPaused && free < LEAST_FREE) this.#pause(open, limit)
    else if (this.#isPaused && free > ENOUGH_FREE) this.#resume()
  }

  #pause(open: number, limit: number): void {
    const { pause, telemetry, logger } = this.#options
    this.#isPaused = true
    pause()
    telemetry.limitReached('open_files')
    logger.warn(
      { open, limit },
      `${open} of ${limit} files are open: new connections are refused until some are closed`,
    )
  }

  #resume(): void {
    const { resume, logger } = this.#options
    try {
      resume()
      this.#isPaused = false
    } catch (error) {
      logger.error({ err: error }, 'connections can not be accepted again')
    }
  }
}
