import type { LoggedEvent } from '../protocol/event.ts'
import type { Chunk, Encoding } from './encoding.ts'

/** An event, with its bytes in the encodings that were needed so far. */
export interface RecentEvent extends LoggedEvent {
  /** Of the data, in UTF-8: what a flush is bounded by. */
  readonly bytes: number
  /** Filled by `RecentEvents.encode`. */
  chunks: { encoding: Encoding; chunk: Chunk }[]
}

/** Bytes that an entry costs besides its texts and chunks. */
const OVERHEAD = 350

/**
 * The newest events of the log, in memory, bounded in bytes: reconnecting and slow clients are served from here without
 * touching Postgres. It keeps the events themselves; their encoded bytes are added for the first stream that needs them,
 * and count too.
 *
 * **Its positions are dense**, so the event after a cursor is found by subtraction.
 */
export class RecentEvents {
  readonly #maxBytes: number
  #events: RecentEvent[] = []
  /** Index of the oldest event in `#events`; entries before it were dropped, and are cut from the array later. */
  #start = 0
  #bytes = 0
  #head: number
  #epoch: string

  /** @param head position after which the window begins, in this epoch */
  constructor(head: number, maxBytes: number, epoch: string) {
    this.#head = head
    this.#epoch = epoch
    this.#maxBytes = maxBytes
  }

  /** Epoch in which all of its positions are valid. */
  get epoch(): string {
    return this.#epoch
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
   * @throws {Error} when an event is not the next one: that would break the order of every stream
   */
  push(event: LoggedEvent): RecentEvent {
    const { position, channel, type, data, time, origin } = event
    if (position !== this.#head + 1) throw new Error(`event ${position} does not follow ${this.#head}`)
    const recent: RecentEvent = {
      position,
      channel,
      type,
      data,
      time,
      origin,
      bytes: Buffer.byteLength(data),
      chunks: [],
    }
    this.#events.push(recent)
    this.#head = position
    this.#grow(sizeOf(recent))
    return recent
  }

  /** The bytes of an event, kept with it. */
  encode(event: RecentEvent, encoding: Encoding): Chunk {
    for (const kept of event.chunks) if (kept.encoding === encoding) return kept.chunk
    const chunk = encoding.event(event, this.#epoch)
    event.chunks.push({ encoding, chunk })
    // One that was dropped meanwhile is only on its way to streams.
    if (this.at(event.position) === event) this.#grow(chunk.byteLength)
    return chunk
  }

  /** The log has another epoch with the same events up to the head. Bytes that are cached keep the earlier one in their ids. */
  renew(epoch: string): void {
    this.#epoch = epoch
  }

  /** Forgets everything and continues after `head`: for a log that lost positions that were never read. */
  reset(head: number, epoch = this.#epoch): void {
    this.#epoch = epoch
    this.#events = []
    this.#start = 0
    this.#bytes = 0
    this.#head = head
  }

  /** The event at a position between `tail + 1` and `head`. */
  at(position: number): RecentEvent | undefined {
    return this.#events[this.#events.length - 1 - (this.#head - position)]
  }

  #grow(bytes: number): void {
    this.#bytes += bytes
    while (this.#bytes > this.#maxBytes && this.#start < this.#events.length - 1) this.#dropOldest()
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

const sizeOf = ({ bytes, channel, chunks }: RecentEvent) =>
  chunks.reduce((sum, { chunk }) => sum + chunk.byteLength, bytes + 2 * channel.length + OVERHEAD)
