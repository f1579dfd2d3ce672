import { LRUCache } from 'lru-cache'
import { MINUTE, SECOND, sleep } from '../platform/time.ts'

/** Refusals of an address that are not delayed: a client that stops has one or two. */
const FREE = 2
/** Milliseconds of the first delay; each further refusal of the address doubles it. */
const FIRST_DELAY = SECOND / 4
/**
 * Longest delay in milliseconds: with it, a client that retries without a pause sends fifteen requests a minute. Shorter than the
 * time-outs of clients (5 s by default in some): one that gives up before the response never learns that it was refused, and
 * takes it for a failure of the network.
 */
const MAX_DELAY = 4 * SECOND
/** Milliseconds without a refusal after which an address begins again. */
const MEMORY = MINUTE
/** Addresses that are remembered. */
const MAX_ADDRESSES = 10_000
/** Responses that are delayed at once; further ones are sent immediately. */
const MAX_DELAYED = 1000

/**
 * Delays the responses to refused streams, so that clients which retry at once on a 401 or 403 do not loop: more and more for
 * each address, up to a bound. Clients behind one address share its delay.
 */
export class RefusalDelay {
  readonly #refusals = new LRUCache<string, { count: number; at: number }>({ max: MAX_ADDRESSES })
  #delayed = 0

  /** Responses that are being delayed. */
  get delayed(): number {
    return this.#delayed
  }

  /**
   * Counts a refusal, and resolves when its response may be sent.
   *
   * @param signal aborts when the client disconnects
   */
  async wait(address: string, signal: AbortSignal): Promise<void> {
    const delay = this.#count(address)
    if (delay === 0 || this.#delayed >= MAX_DELAYED) return
    this.#delayed++
    await sleep(delay, signal)
    this.#delayed--
  }

  /** @returns milliseconds by which the response is to be delayed */
  #count(address: string): number {
    const now = Date.now()
    const known = this.#refusals.get(address)
    const count = known && now - known.at < MEMORY ? known.count + 1 : 1
    this.#refusals.set(address, { count, at: now })
    return count <= FREE ? 0 : Math.min(MAX_DELAY, FIRST_DELAY * 2 ** Math.min(20, count - FREE - 1))
  }
}
