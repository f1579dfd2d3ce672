import { stagger } from '../platform/stagger.ts'
import { jittered } from '../platform/time.ts'
import type { Cursor } from './cursor.ts'

/** What a drain needs of a cursor. */
export type Closable = Pick<Cursor, 'close' | 'isProxied'>

/** Reconnection time of a drain, in milliseconds: a base, and a share for each stream. */
const BASE_RETRY = 75
const RETRY_PER_STREAM = 0.2

/**
 * Closes streams at an even pace, so that their clients reconnect one after the other.
 *
 * The reconnection time grows with the number of streams: twenty clients reconnect at once, ten thousand over `RETRY_MS`.
 * Behind a proxy it is `RETRY_MS`: until an instance is available the proxy returns 502, after which a native EventSource
 * does not try again.
 */
export class Drain {
  readonly #maxRetry: number
  /** Before jitter. */
  #retry = 0

  /** @param maxRetry milliseconds; see `RETRY_MS` */
  constructor(maxRetry: number) {
    this.#maxRetry = maxRetry
  }

  /** A reconnection time in milliseconds for one client: between the time of the last drain and twice that. */
  retryFor(isProxied: boolean): number {
    return jittered(isProxied ? this.#maxRetry : this.#retry)
  }

  /**
   * Closes every cursor once, spread over `duration` milliseconds, or less when they are few.
   *
   * @returns resolves when all are closed
   */
  closeAll(cursors: readonly Closable[], duration: number): Promise<void> {
    this.#retry = Math.min(this.#maxRetry, BASE_RETRY + RETRY_PER_STREAM * cursors.length)
    return stagger(cursors, duration, (cursor) => cursor.close('shutdown', this.retryFor(cursor.isProxied)))
  }
}
