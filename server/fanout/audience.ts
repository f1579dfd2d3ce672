import { concatenate, withoutName } from '../transports/sse/frame.ts'
import type { Connection } from './cursor.ts'
import type { FramedEvent } from './recent-events.ts'
import type { Selection } from './selection.ts'

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

  /**
   * Takes what is pending for the connections that are live now.
   *
   * @param from the cursor of these connections until they are offered it
   * @returns offers it to one connection after the other, at each step
   */
  flush(from: number): Iterable<void> {
    const events = this.#pending
    this.#pending = []
    return this.#offer(
      events,
      [...this.connections].filter((connection) => connection.expect(from)),
    )
  }

  *#offer(events: readonly FramedEvent[], connections: readonly Connection[]): Generator<void> {
    const chunk = this.#chunk(events)
    const origins = new Set(events.map(({ origin }) => origin))
    for (const connection of connections) {
      const isOrigin = connection.clientId !== null && origins.has(connection.clientId)
      connection.offer(isOrigin ? this.#ofOthers(connection, events) : chunk)
      yield
    }
  }

  /** Each event's own page leaves it out. */
  #ofOthers({ clientId }: Connection, events: readonly FramedEvent[]): Uint8Array<ArrayBuffer> | undefined {
    const others = events.filter(({ origin }) => origin !== clientId)
    return others.length > 0 ? this.#chunk(others) : undefined
  }

  #chunk(events: readonly FramedEvent[]): Uint8Array<ArrayBuffer> {
    return concatenate(events.map(({ frame }) => (this.selection.named ? frame : withoutName(frame))))
  }
}
