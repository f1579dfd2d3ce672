import type { Connection } from './connection.ts'
import { concatenate, withoutName } from './frame.ts'
import type { Selection } from './selection.ts'
import type { FramedEvent } from './window.ts'

/** Everybody who asked for the same: what they get is built once and sent to all. */
export class Audience {
  readonly selection: Selection
  readonly connections = new Set<Connection>()
  #pending: FramedEvent[] = []

  constructor(selection: Selection) {
    this.selection = selection
  }

  /** Keeps an event for the next flush. */
  add(event: FramedEvent): void {
    this.#pending.push(event)
  }

  /** Offers what is pending to every connection; each event's own page leaves it out. */
  flush(from: number): void {
    const events = this.#pending
    this.#pending = []
    const chunk = this.#chunk(events)
    const origins = new Set(events.map(({ origin }) => origin))
    for (const connection of this.connections) {
      if (connection.clientId === null || !origins.has(connection.clientId)) connection.offer(chunk, from)
      else this.#offerOthers(connection, events, from)
    }
  }

  #offerOthers(connection: Connection, events: readonly FramedEvent[], from: number): void {
    const others = events.filter(({ origin }) => origin !== connection.clientId)
    if (others.length > 0) connection.offer(this.#chunk(others), from)
  }

  #chunk(events: readonly FramedEvent[]): Uint8Array<ArrayBuffer> {
    return concatenate(events.map(({ frame }) => (this.selection.named ? frame : withoutName(frame))))
  }
}
