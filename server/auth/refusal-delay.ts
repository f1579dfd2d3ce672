import { LRUCache } from 'lru-cache'
import { MINUTE, SECOND, sleep } from '../platform/time.ts'

/** Refusals of an address that are not delayed: a client that stops has one or two. */
const FREE = 2
/** Requests of an address with a wrong credential that are not delayed, other than for streams: pages and programs send several at once. */
const FREE_ATTEMPTS = 30
/** Responses to the same request of an address that are not delayed: clients that keep the reconnection time repeat it, too. */
const FREE_REPEATS = 10
/** Milliseconds of the first delay; each further refusal doubles it. */
const FIRST_DELAY = SECOND / 4
/**
 * Longest delay in milliseconds: with it, a client that retries without a pause sends fifteen requests a minute. Shorter than the
 * time-outs of clients (5 s by default in some): one that gives up before the response never learns that it was refused, and
 * takes it for a failure of the network.
 */
const MAX_DELAY = 4 * SECOND
/** Milliseconds without a refusal after which the count begins again. */
const MEMORY = MINUTE
/** Addresses and requests that are remembered. */
const MAX_COUNTS = 10_000
/** Responses that are delayed at once; further ones are sent immediately. */
const MAX_DELAYED = 1000

/**
 * Delays the responses to refused streams, so that clients which retry at once do not loop: more and more for each address, up to
 * a bound. Clients behind one address share its delay.
 */
export class RefusalDelay {
  readonly #counts = new LRUCache<string, { count: number; at: number }>({ max: MAX_COUNTS })
  #delayed = 0

  /** Responses that are being delayed. */
  get delayed(): number {
    return this.#delayed
  }

  /**
   * Counts a request without the right to a stream (401, 403), whatever it asked for, and resolves when its response may be sent.
   *
   * @param signal aborts when the client disconnects
   */
  refused(address: string, signal: AbortSignal): Promise<void> {
    return this.#wait(this.#count(address) - FREE, signal)
  }

  /**
   * Counts a request whose credential is not accepted (401), other than for a stream, and resolves when its response may be sent.
   *
   * @param signal aborts when the client disconnects
   */
  unauthorized(address: string, signal: AbortSignal): Promise<void> {
    return this.#wait(this.#count(`${address} 401`) - FREE_ATTEMPTS, signal)
  }

  /**
   * Counts a request that no stream is opened for, for another reason, and resolves when its response may be sent: only
   * repetitions of the same request are delayed.
   *
   * @param request what identifies it, of any length
   * @param signal aborts when the client disconnects
   */
  unopened(address: string, request: string, signal: AbortSignal): Promise<void> {
    return this.#wait(this.#count(`${address} ${Bun.hash(request)}`) - FREE_REPEATS, signal)
  }

  async #wait(excess: number, signal: AbortSignal): Promise<void> {
    if (excess <= 0 || this.#delayed >= MAX_DELAYED) return
    this.#delayed++
    await sleep(Math.min(MAX_DELAY, FIRST_DELAY * 2 ** Math.min(20, excess - 1)), signal)
    this.#delayed--
  }

  /** @returns how often it was counted, this time included */
  #count(key: string): number {
    const now = Date.now()
    const known = this.#counts.get(key)
    const count = known && now - known.at < MEMORY ? known.count + 1 : 1
    this.#counts.set(key, { count, at: now })
    return count
  }
}
