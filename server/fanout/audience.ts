import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Cursor } from './cursor.ts'
import type { Chunk, Encoding } from './encoding.ts'
import { Offers } from './offers.ts'
import type { RecentEvent, RecentEvents } from './recent-events.ts'
import type { Selection } from './selection.ts'

/** Successive multiples of it, modulo 1, spread evenly: where a flush begins among the cursors (additive recurrence, golden ratio). */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/** All streams with the same selection and encoding: what a flush sends them is built once and shared. */
export class Audience {
  readonly selection: Selection
  readonly encoding: Encoding
  readonly cursors = new Set<Cursor>()
  /** See `Target.slice`. */
  slice = 0
  readonly #recent: RecentEvents
  readonly #telemetry: Telemetry
  #pending: RecentEvent[] = []
  #flushes = 0

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
   * Takes the pending events for the cursors that are live now. Each flush begins with another cursor, so that none is always
   * the last.
   *
   * @param from position of these cursors until they are offered the chunk
   * @returns a lazy sequence: each step offers the chunk to one cursor and yields its size in bytes
   */
  flush(from: number): Iterable<number> {
    const events = this.#pending
    this.#pending = []
    const cursors: Cursor[] = []
    for (const cursor of this.cursors) if (cursor.expect(from)) cursors.push(cursor)
    const first = Math.floor(((this.#flushes++ * GOLDEN) % 1) * cursors.length)
    const join = (wanted: readonly RecentEvent[]) => this.#join(wanted)
    return new Offers({ events, cursors, first, join, telemetry: this.#telemetry })
  }

  #join(events: readonly RecentEvent[]): Chunk | undefined {
    const [only] = events
    if (only === undefined) return undefined
    if (events.length === 1) return this.#recent.encode(only, this.encoding)
    return this.encoding.join(events.map((event) => this.#recent.encode(event, this.encoding)))
  }
}
