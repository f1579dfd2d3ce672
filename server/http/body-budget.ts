import { SECOND } from '../platform/time.ts'
import type { BodyRefusal, Telemetry } from '../telemetry/telemetry.ts'
import { OpenBody, type Pace } from './open-body.ts'

/** Limits of all request bodies together. */
export interface BodyBudgetOptions {
  /** Bytes of unfinished bodies that may have arrived. */
  maxBytes: number
  /** Bodies that may be unfinished for more than a second. */
  maxBodies: number
  /** The same of one client address, which may hold a quarter of `maxBytes`; `0` for any. */
  maxBodiesPerAddress: number
  telemetry: Pick<Telemetry, 'bodyRefused'>
}

/** Poll interval in milliseconds for bodies that are too slow or too many. */
const INTERVAL = 250
/** Bytes that a chunk costs besides its content: a body may come byte by byte. */
const CHUNK_COST = 256
/** Milliseconds for which a refusal counts as a problem. */
const RECENT = 10 * SECOND

/**
 * The memory and the number of slow bodies that all requests share. Only bytes that have arrived count. Bodies that arrive within a
 * second, as nearly all do, are never counted against the number of bodies, and slow ones make room for them.
 */
export class BodyBudget {
  readonly #options: BodyBudgetOptions
  /** In the order of their start. */
  readonly #bodies = new Set<OpenBody>()
  #bytes = 0
  #timer: Timer | undefined
  #lastRefusal = Number.NEGATIVE_INFINITY

  constructor(options: BodyBudgetOptions) {
    this.#options = options
  }

  /** Bodies that are being read. */
  get count(): number {
    return this.#bodies.size
  }

  /** Bytes that have arrived of bodies that are being read. */
  get bytes(): number {
    return this.#bytes
  }

  /** Why bodies were refused in the last seconds, other than for being slow; `undefined` when none were. */
  get problem(): string | undefined {
    if (performance.now() - this.#lastRefusal > RECENT) return undefined
    return `${this.count} requests with ${this.bytes} bytes are being read, and others were refused`
  }

  /**
   * Takes part of the budget for one body, until it is closed.
   *
   * @param address returns that of the client; called when the body is slow
   * @param abort makes a read that is under way end
   */
  open(address: () => string, pace: Pace, abort: () => void): OpenBody {
    const body = new OpenBody(address, pace, abort)
    this.#bodies.add(body)
    this.#timer ??= setInterval(() => this.#check(), INTERVAL)
    this.#timer.unref()
    return body
  }

  /** Returns the part of the budget that a body holds. */
  close(body: OpenBody): void {
    if (!this.#bodies.delete(body)) return
    this.#bytes -= body.held
  }

  /**
   * Counts a chunk that has arrived.
   *
   * @throws {AppError} `body.overloaded` (503) when there is no room, and refusing slow bodies makes none
   */
  hold(body: OpenBody, bytes: number): void {
    body.received += bytes
    body.receivedInWindow += bytes
    body.held += bytes + CHUNK_COST
    this.#bytes += bytes + CHUNK_COST
    if (this.#bytes <= this.#options.maxBytes) return
    this.#makeRoom(body)
    if (this.#bytes > this.#options.maxBytes) {
      this.#refuse(body, 'overloaded')
      throw body.refusal
    }
  }

  /** Uncounts bytes that were passed on and are no longer in memory. */
  release(body: OpenBody, bytes: number): void {
    if (!this.#bodies.has(body)) return
    body.held -= bytes
    this.#bytes -= bytes
  }

  /** Refuses the oldest slow bodies. */
  #makeRoom(except: OpenBody): void {
    const now = performance.now()
    for (const body of this.#bodies) {
      if (this.#bytes <= this.#options.maxBytes || !body.isSlow(now)) return
      if (body !== except && body.isReading) this.#refuse(body, 'overloaded')
    }
  }

  #check(): void {
    if (this.#bodies.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const now = performance.now()
    const slow = [...this.#bodies].filter((body) => body.isSlow(now))
    for (const body of slow) if (body.isTooSlow(now)) this.#refuse(body, 'too_slow')
    this.#refuseSurplus(slow.filter(({ refusal }) => refusal === undefined))
  }

  #refuseSurplus(slow: readonly OpenBody[]): void {
    const { maxBodies, maxBodiesPerAddress, maxBytes } = this.#options
    for (const body of slow.slice(maxBodies)) this.#refuse(body, 'overloaded')
    if (maxBodiesPerAddress === 0) return
    for (const bodies of Map.groupBy(slow.slice(0, maxBodies), ({ address }) => address).values()) {
      let bytes = 0
      for (const [index, body] of bodies.entries()) {
        bytes += body.held
        if (index >= maxBodiesPerAddress || bytes > maxBytes / 4) this.#refuse(body, 'too_many')
      }
    }
  }

  #refuse(body: OpenBody, reason: BodyRefusal): void {
    this.#options.telemetry.bodyRefused(reason)
    if (reason !== 'too_slow') this.#lastRefusal = performance.now()
    body.refuse(reason, this.#options.maxBodiesPerAddress)
    this.close(body)
  }
}
