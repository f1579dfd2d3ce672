import type { RecentEvent } from './recent-events.ts'

/** Milliseconds of routing after which other work gets its event-loop turn. */
const TIME_SLICE = 10
/** Bytes that audiences copy in one slice: an event counts once for each audience that gets it. */
const SLICE_BYTES = 32 * 2 ** 20

/** What takes the events of a channel; an `Audience`. */
export interface Target {
  /** The last slice in which it received an event: the router's own mark. Begins as `0`. */
  slice: number
  add(event: RecentEvent): void
}

/**
 * Events that were delivered and not routed yet, in order.
 *
 * Audiences are looked up when an event is routed and not when it is delivered, so that an audience that was created in
 * between gets the event.
 */
export class Router<T extends Target> {
  readonly #match: (channel: string) => readonly T[]
  #pending: RecentEvent[] = []
  #pendingBytes = 0
  #position: number
  /** Number of the present slice. */
  #slice = 0

  /**
   * @param position of the last event that counts as routed
   * @param match the targets of a channel, once each
   */
  constructor(position: number, match: (channel: string) => readonly T[]) {
    this.#position = position
    this.#match = match
  }

  /** Position of the last event that was routed. */
  get position(): number {
    return this.#position
  }

  /** Whether nothing waits to be routed. */
  get isEmpty(): boolean {
    return this.#pending.length === 0
  }

  /** Bytes of data that wait to be routed. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  push(event: RecentEvent): void {
    this.#pending.push(event)
    this.#pendingBytes += event.bytes
  }

  /**
   * Gives pending events to their targets until the slice is used up; at least one, when there is any.
   *
   * @returns the targets that received events
   */
  route(): T[] {
    const chosen: T[] = []
    const slice = ++this.#slice
    const byChannel = new Map<string, readonly T[]>()
    const sliceEnd = performance.now() + TIME_SLICE
    let copied = 0
    let count = 0
    for (const event of this.#pending) {
      let targets = byChannel.get(event.channel)
      if (targets === undefined) {
        targets = this.#match(event.channel)
        byChannel.set(event.channel, targets)
      }
      for (const target of targets) {
        target.add(event)
        if (target.slice === slice) continue
        target.slice = slice
        chosen.push(target)
      }
      this.#position = event.position
      this.#pendingBytes -= event.bytes
      copied += event.bytes * targets.length
      count++
      if (copied >= SLICE_BYTES || performance.now() >= sliceEnd) break
    }
    this.#pending = count === this.#pending.length ? [] : this.#pending.slice(count)
    return chosen
  }

  /** Continues after `position`. Nothing may be pending. */
  reset(position: number): void {
    this.#position = position
  }
}
