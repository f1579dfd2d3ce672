import type { StreamEvent } from '../sse/protocol.ts'

/** Limits of an event list. */
export interface EventListOptions {
  /** Maximum number of events in the list: when more are appended, the oldest are dropped. Defaults to `100_000`. */
  max?: number
  /** Maximum number of events that are held back. Defaults to `10_000`. */
  maxHeld?: number
}

/**
 * The events that the log page has loaded, and those that it holds back while the user is about to open one.
 *
 * Events are stored oldest first and changed in place, because copying 100,000 of them for each frame would cost frames.
 * Indexes count from the newest, as the page shows them.
 */
export class EventList {
  readonly #max: number
  readonly #maxHeld: number
  /** Oldest first. */
  readonly #events: StreamEvent[] = []
  /** Oldest first; all newer than those in the list. */
  readonly #held: StreamEvent[] = []

  constructor({ max = 100_000, maxHeld = 10_000 }: EventListOptions = {}) {
    this.#max = max
    this.#maxHeld = maxHeld
  }

  /** Number of events in the list, without those that are held back. */
  get count(): number {
    return this.#events.length
  }

  /** Number of events that are held back. */
  get heldCount(): number {
    return this.#held.length
  }

  /** Whether no more events should be held back. */
  get isFull(): boolean {
    return this.#held.length >= this.#maxHeld
  }

  /** Position of the oldest event in the list. */
  get oldest(): number | undefined {
    return this.#events[0]?.position
  }

  /** @param index 0 is the newest event in the list */
  at(index: number): StreamEvent | undefined {
    return this.#events[this.#events.length - 1 - index]
  }

  /** Holds new events back. @param events oldest first, newer than all before */
  hold(events: readonly StreamEvent[]): void {
    this.#held.push(...events)
  }

  /**
   * Moves the events that are held back into the list.
   *
   * @returns how many were added, and whether the oldest were dropped to make room for them
   */
  release(): { added: number; isTrimmed: boolean } {
    const released = this.#held.splice(0)
    this.#events.push(...released)
    const excess = this.#events.length - this.#max
    if (excess > 0) this.#events.splice(0, excess)
    return { added: released.length, isTrimmed: excess > 0 }
  }

  /** Adds a page of older events. @param page newest first, older than all in the list */
  addOlder(page: readonly StreamEvent[]): void {
    this.#events.unshift(...page.toReversed())
  }

  clear(): void {
    this.#events.length = 0
    this.#held.length = 0
  }
}
