import { SECOND, sleep } from '../platform/time.ts'
import type { Cursor } from './cursor.ts'

/** Longest poll interval in milliseconds. A shorter heartbeat is checked four times as often as it falls due. */
const INTERVAL = SECOND / 2
/** Streams that are written to in one event-loop turn: ten thousand that fall due together take 50 turns. */
const WRITES_PER_TURN = 200

/** Options of {@link Heartbeats}. */
export interface HeartbeatOptions {
  /** Milliseconds without an event before a heartbeat. */
  heartbeat: number
  /** The open cursors. */
  cursors: () => Iterable<Pick<Cursor, 'tick'>>
}

/** Checks all cursors periodically for heartbeats, comments and stalls that are due. */
export class Heartbeats {
  readonly #options: HeartbeatOptions
  #timer: Timer | undefined
  #isChecking = false

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#check(), Math.min(INTERVAL, this.#options.heartbeat / 4))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #check(): Promise<void> {
    if (this.#isChecking) return
    this.#isChecking = true
    let writes = 0
    try {
      for (const cursor of this.#options.cursors()) {
        if (cursor.tick(performance.now()) && ++writes % WRITES_PER_TURN === 0) await sleep(0)
      }
    } finally {
      this.#isChecking = false
    }
  }
}
