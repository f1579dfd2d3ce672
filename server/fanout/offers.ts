import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Cursor } from './cursor.ts'
import type { Chunk } from './encoding.ts'
import type { RecentEvent } from './recent-events.ts'

/** What one flush of an audience is made of. */
export interface OffersOptions {
  events: readonly RecentEvent[]
  /** Those that expect the flush. */
  cursors: readonly Cursor[]
  /** Index of the cursor that is offered the chunk first. */
  first: number
  /** Makes a chunk; `undefined` of no events. */
  join: (events: readonly RecentEvent[]) => Chunk | undefined
  telemetry: Pick<Telemetry, 'delivered'>
}

/**
 * Offers the chunk of a flush to one cursor after another. Not a generator: there is one for each audience and flush, and with as many
 * audiences as streams its objects would be what the flush costs.
 */
export class Offers implements IterableIterator<number, undefined> {
  readonly #options: OffersOptions
  /** How many cursors were offered it. */
  #count = 0
  /** For all cursors but those of a client that caused some of the events. Built when the first is offered it. */
  #shared: Chunk | undefined
  #hasOrigins = false
  #delivered = 0
  #bytes = 0
  /** Used for each step. */
  readonly #result: { done: boolean; value: number | undefined } = { done: false, value: 0 }

  constructor(options: OffersOptions) {
    this.#options = options
  }

  [Symbol.iterator](): this {
    return this
  }

  /** Offers it to the next cursor. */
  next(): IteratorResult<number, undefined> {
    const { cursors, first } = this.#options
    const index = first + this.#count
    const cursor = cursors[index < cursors.length ? index : index - cursors.length]
    if (this.#count === cursors.length || cursor === undefined) return this.#end()
    if (this.#count++ === 0) this.#begin()
    this.#result.value = this.#offer(cursor)
    return this.#result as IteratorResult<number, undefined>
  }

  #begin(): void {
    const { events, join } = this.#options
    this.#shared = join(events)
    this.#hasOrigins = events.some(({ origin }) => origin !== null)
  }

  /** @returns the bytes that the cursor was offered */
  #offer(cursor: Cursor): number {
    const { events, join } = this.#options
    const wanted = this.#hasOrigins ? withoutOrigin(events, cursor.clientId) : events
    const chunk = wanted === events ? this.#shared : join(wanted)
    const size = chunk?.byteLength ?? 0
    if (cursor.offer(chunk)) {
      this.#delivered += wanted.length
      this.#bytes += size
    }
    return size
  }

  /** Counted once per flush and audience, and not per stream: counting must not cost. */
  #end(): IteratorResult<number, undefined> {
    if (this.#delivered > 0) this.#options.telemetry.delivered(this.#delivered, this.#bytes)
    this.#delivered = 0
    return { done: true, value: undefined }
  }
}

/** The events that a client did not cause; the same array when these are all. */
function withoutOrigin(events: readonly RecentEvent[], clientId: string | null): readonly RecentEvent[] {
  if (clientId === null || !events.some(({ origin }) => origin === clientId)) return events
  return events.filter(({ origin }) => origin !== clientId)
}
