import { SECOND } from '../platform/time.ts'

/**
 * Milliseconds without a byte before a comment. With the poll interval of the heartbeats, a comment comes at most 4 s after
 * the last byte: the shortest read timeout that is a common default of HTTP clients is 5 s.
 */
const COMMENT_AFTER = 3 * SECOND

/** What a stream needs now. */
export type Due = 'heartbeat' | 'comment' | 'stalled' | undefined

/**
 * When a stream last carried something. Times are of `performance.now()`, which no change of the system's clock moves.
 */
export class Liveness {
  readonly #heartbeat: number
  readonly #stallTimeout: number
  /** A comment is a byte but no frame: it does not put off a heartbeat. */
  #lastFrame = performance.now()
  #lastByte = this.#lastFrame
  #lastProgress = this.#lastFrame

  /**
   * @param heartbeat milliseconds without an event before a heartbeat
   * @param stallTimeout milliseconds without progress before a stream counts as stalled; `0` never
   */
  constructor(heartbeat: number, stallTimeout: number) {
    this.#heartbeat = heartbeat
    this.#stallTimeout = stallTimeout
  }

  /** The client took everything that was written. */
  progressed(): void {
    this.#lastProgress = performance.now()
  }

  /** Something was written. That the sink wanted more is progress: it took all that was written before. */
  wrote(kind: 'frame' | 'comment'): void {
    this.#lastByte = performance.now()
    this.#lastProgress = this.#lastByte
    if (kind === 'frame') this.#lastFrame = this.#lastByte
  }

  /** @param wantsMore whether the sink takes a write: without it there is only the stall timeout to check */
  due(now: number, wantsMore: boolean): Due {
    if (!wantsMore) {
      const isStalled = this.#stallTimeout > 0 && now - this.#lastProgress >= this.#stallTimeout
      return isStalled ? 'stalled' : undefined
    }
    if (now - this.#lastFrame >= this.#heartbeat) return 'heartbeat'
    return now - this.#lastByte >= COMMENT_AFTER ? 'comment' : undefined
  }
}
