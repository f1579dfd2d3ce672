import type { Cursor } from './cursor.ts'
import type { Chunk, Encoding } from './encoding.ts'
import type { RecentEvent, RecentEvents } from './recent-events.ts'
import type { Selection } from './selection.ts'

/** Everybody who asked for the same in the same encoding: what they get is built once and sent to all. */
export class Audience {
  readonly selection: Selection
  readonly encoding: Encoding
  readonly cursors = new Set<Cursor>()
  readonly #recent: RecentEvents
  #pending: RecentEvent[] = []

  constructor(selection: Selection, encoding: Encoding, recent: RecentEvents) {
    this.selection = selection
    this.encoding = encoding
    this.#recent = recent
  }

  /** The same for all that select the same in the same encoding. */
  static nameOf(selection: Selection, encoding: Encoding): string {
    return `${encoding.name} ${selection.name}`
  }

  /** Keeps an event for the next flush. */
  add(event: RecentEvent): void {
    this.#pending.push(event)
  }

  /**
   * Takes what is pending for the cursors that are live now.
   *
   * @param from the position of these cursors until they are offered it
   * @returns offers it to one cursor after the other, at each step, and yields how many bytes
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
    const chunk = this.#chunk(events)
    const origins = new Set(events.map(({ origin }) => origin))
    for (const cursor of cursors) {
      const isOrigin = cursor.clientId !== null && origins.has(cursor.clientId)
      const own = isOrigin ? this.#ofOthers(cursor, events) : chunk
      cursor.offer(own)
      yield own?.byteLength ?? 0
    }
  }

  /** Each event's own page leaves it out. */
  #ofOthers({ clientId }: Cursor, events: readonly RecentEvent[]): Chunk | undefined {
    const others = events.filter(({ origin }) => origin !== clientId)
    return others.length > 0 ? this.#chunk(others) : undefined
  }

  #chunk(events: readonly RecentEvent[]): Chunk {
    return this.encoding.join(events.map((event) => this.#recent.encode(event, this.encoding)))
  }
}
