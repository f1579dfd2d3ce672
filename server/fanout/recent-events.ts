import type { LoggedEvent } from '../protocol/event.ts'
import { eventFrame } from '../transports/sse/frame.ts'

/** An event as the window keeps it: what routing needs, and its bytes. */
export interface FramedEvent {
  position: number
  channel: string
  origin: string | null
  frame: Uint8Array<ArrayBuffer>
}

/** What an entry costs besides its bytes. */
const OVERHEAD = 250

/**
 * The newest events of the log, in memory, bounded in bytes: reconnecting and slow clients are served from here without
 * touching Postgres.
 *
 * **Its positions are dense**, so the event after a cursor is found by subtraction.
 */
export class Window {
  readonly #maxBytes: number
  #events: FramedEvent[] = []
  /** Index of the oldest event in `#events`; what lies before it was dropped and waits for the array to be cut. */
  #start = 0
  #bytes = 0
  #head: number

  /** @param head position after which the window begins */
  constructor(head: number, maxBytes: number) {
    this.#head = head
    this.#maxBytes = maxBytes
  }

  /** Position of the newest event. */
  get head(): number {
    return this.#head
  }

  /** Bytes held, with what the entries cost. */
  get bytes(): number {
    return this.#bytes
  }

  /** Cursors from here on can be served. */
  get tail(): number {
    return this.#head - (this.#events.length - this.#start)
  }

  /**
   * Adds the event after the head and drops the oldest beyond the bound; the newest always stays.
   *
   * @throws {Error} when an event is not the next one: that would break the order for everybody
   */
  push(event: LoggedEvent): FramedEvent {
    const { position, channel, origin } = event
    if (position !== this.#head + 1) throw new Error(`event ${position} does not follow ${this.#head}`)
    const framed = { position, channel, origin, frame: eventFrame(event) }
    this.#events.push(framed)
    this.#head = position
    this.#bytes += sizeOf(framed)
    while (this.#bytes > this.#maxBytes && this.#start < this.#events.length - 1) this.#dropOldest()
    return framed
  }

  /** Forgets everything and goes on after `head`: for a log that lost positions that were never read. */
  reset(head: number): void {
    this.#events = []
    this.#start = 0
    this.#bytes = 0
    this.#head = head
  }

  /** The event at a position between `tail + 1` and `head`. */
  at(position: number): FramedEvent | undefined {
    return this.#events[this.#events.length - 1 - (this.#head - position)]
  }

  #dropOldest(): void {
    const oldest = this.#events[this.#start]
    if (oldest) this.#bytes -= sizeOf(oldest)
    // Freed now, cut off later: shifting an array costs its length.
    this.#events[this.#start] = undefined as never
    this.#start++
    if (this.#start > 1024 && this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start)
      this.#start = 0
    }
  }
}

const sizeOf = ({ frame, channel }: FramedEvent) => frame.byteLength + 2 * channel.length + OVERHEAD
