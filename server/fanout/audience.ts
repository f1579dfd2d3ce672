import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Cursor } from './cursor.ts'
import type { Chunk, Encoding } from './encoding.ts'
import type { RecentEvent, RecentEvents } from './recent-events.ts'
import type { Selection } from './selection.ts'

/** All streams with the same selection and encoding: what a flush sends them is built once and shared. */
export class Audience {
  readonly selection: Selection
  readonly encoding: Encoding
  readonly cursors = new Set<Cursor>()
  readonly #recent: RecentEvents
  readonly #telemetry: Telemetry
  #pending: RecentEvent[] = []

  constructor(selection: Selection, encoding: Encoding, recent: RecentEvents, telemetry: Telemetry) {
    this.selection = selection
    this.encoding = encoding
    this.#recent = recent
    this.#telemetry = telemetry
  }

  /** The same name for equal selections in the same encoding, and for no others. */
  static nameOf(selection: Selection, encoding: Encoding): string {
    return `${encoding.name} ${selection.name}`
  }

  /** Keeps an event for the next flush. */
  add(event: RecentEvent): void {
    this.#pending.push(event)
  }

  /**
   * Takes the pending events for the cursors that are live now.
   *
   * @param from position of these cursors until they are offered the chunk
   * @returns a lazy sequence: each step offers the chunk to one cursor and yields its size in bytes
   */
  flush(from: number): Iterable<number> {
    const events = this.#pending
    this.#pending = []
    return this.#offer(
      events,
      [...this.cursors].filter((cursor) => cursor.expect(from)),
    )
  }

  *#offer(events: readonly RecentEvent[], cursors: readonly Cursor[]): Generator<number> {
    const shared = this.#join(events)
    const origins = new Set(events.map(({ origin }) => origin))
    let delivered = 0
    let bytes = 0
    for (const cursor of cursors) {
      const isOrigin = cursor.clientId !== null && origins.has(cursor.clientId)
      const wanted = isOrigin ? events.filter(({ origin }) => origin !== cursor.clientId) : events
      const chunk = isOrigin ? this.#join(wanted) : shared
      const size = chunk?.byteLength ?? 0
      if (cursor.offer(chunk)) {
        delivered += wanted.length
        bytes += size
      }
      yield size
    }
    // Once per flush and audience, and not per stream: counting must not cost.
    if (delivered > 0) this.#telemetry.delivered(delivered, bytes)
  }

  #join(events: readonly RecentEvent[]): Chunk | undefined {
    if (events.length === 0) return undefined
    return this.encoding.join(events.map((event) => this.#recent.encode(event, this.encoding)))
  }
}
