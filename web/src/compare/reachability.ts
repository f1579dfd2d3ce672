import type { StreamState } from '../sse/protocol.ts'

/** Milliseconds without any connection after which the server counts as unreachable. */
const UNREACHABLE_AFTER = 1000

/** Whether the server can be reached, as far as the lanes tell. */
export class Reachability {
  #downSince: number | undefined

  /**
   * Takes what the lanes are doing now. Lanes that connect for the first time are slow, and not cut off.
   *
   * @param now milliseconds on any clock
   */
  update(states: readonly StreamState['name'][], now: number): void {
    const isDown = states.every((name) => name === 'waiting' || name === 'connecting')
    if (!isDown) this.#downSince = undefined
    else if (states.includes('waiting')) this.#downSince ??= now
  }

  /** Whether a lane gets through, or has not had the time to fail. */
  get isUp(): boolean {
    return this.#downSince === undefined
  }

  /** Whether no lane has got through for a second. @param now milliseconds on the same clock */
  isLost(now: number): boolean {
    return this.#downSince !== undefined && now - this.#downSince >= UNREACHABLE_AFTER
  }
}
