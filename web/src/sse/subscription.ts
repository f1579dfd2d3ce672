import { type Cursor, Place, positionOf, type StartingPoint } from './cursor.ts'
import { readHistory } from './history.ts'
import { covers, matches } from './pattern.ts'
import type { Gap, StreamEvent } from './protocol.ts'

/** What a subscription follows, and what it calls back with. */
export interface SubscriptionOptions {
  /** Patterns of channels, such as `orders.>`. */
  channels: readonly string[]
  /** Cursor to begin after, such as the `cursor` that a list was read at. Defaults to the head of the log. */
  after?: StartingPoint | undefined
  /** Receives every event of the channels after the cursor, once and in order. */
  onEvent: (event: StreamEvent) => void
  /** Events are no longer available: read what you show again, and subscribe with its cursor. */
  onGap?: (gap: Gap) => void
}

/** What the connection received, and the cursor behind it. */
type Arrival = { cursor: Cursor; event: StreamEvent } | { cursor: Cursor; gap: Gap }

/** Milliseconds between two attempts to read the history. */
const RETRY = 1000
/** Events that are held back during catch-up, at most: beyond, the history is read again from where it is. */
const MAX_HELD = 10_000

/**
 * A follower with a cursor of its own on a connection that it shares with others.
 *
 * It **joins** the connection at the cursor where that is when it covers the channels. The events between its own cursor and
 * there are read from the history, while events that arrive meanwhile are held back: none is lost, none is duplicated, and
 * their order is kept.
 */
export class Subscription {
  readonly #options: SubscriptionOptions
  readonly #url: string
  readonly #place: Place
  /** What arrived while the history is read; `undefined` while it follows directly, or has not joined. */
  #held: Arrival[] | undefined
  /** Cursor behind the newest arrival that was not held back, because there were too many; `undefined` when all are. */
  #overflow: Cursor | undefined
  #isJoined = false
  #stop = new AbortController()

  /** @param url of the history */
  constructor(options: SubscriptionOptions, url: string) {
    this.#options = options
    this.#url = url
    this.#place = new Place(options.after)
  }

  /** Patterns of the channels. */
  get channels(): readonly string[] {
    return this.#options.channels
  }

  /**
   * Everything up to here was delivered; `undefined` before it has joined for the first time. Within a page of history it is the
   * cursor before the page.
   */
  get cursor(): string | undefined {
    return this.#place.cursor
  }

  /** Whether the connection covers its channels. */
  get isJoined(): boolean {
    return this.#isJoined
  }

  /** The connection covers these channels from this cursor on. Ignored when they are not all of its own. */
  join(channels: readonly string[], cursor: Cursor): void {
    if (this.#isJoined) return
    if (!this.channels.every((wanted) => channels.some((given) => covers(given, wanted)))) return
    this.#isJoined = true
    if (this.#place.cursor === undefined) this.#place.jumpTo(cursor)
    if (this.#place.cursor !== String(cursor)) {
      this.#held = []
      void this.#catchUp(cursor, this.#stop.signal)
    }
  }

  /** The connection no longer covers its channels, or it is paused. When it joins again, it continues at its cursor. */
  leave(): void {
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#isJoined = false
    this.#held = undefined
    this.#overflow = undefined
  }

  /** The connection received an event. @param cursor behind it */
  offer(event: StreamEvent, cursor: Cursor): void {
    if (!this.#isJoined || !this.channels.some((pattern) => matches(pattern, event.channel))) return
    this.#hold({ cursor, event })
  }

  /** The connection is at this cursor; there was no event for it in between. */
  advance(cursor: Cursor): void {
    if (this.#isJoined && !this.#held) this.#place.moveTo(cursor)
  }

  /** The connection announced a gap. @param cursor behind it */
  passGap(gap: Gap, cursor: Cursor): void {
    if (!this.#isJoined) return
    if (gap.reason === 'unknown') {
      // The log was set back, and positions start over: what is being read, and what was held back, is of the old log.
      this.leave()
      this.#isJoined = true
    }
    this.#hold({ cursor, gap })
  }

  /** Takes what arrived, after the history where that is being read. */
  #hold(arrival: Arrival): void {
    if (!this.#held) this.#take(arrival)
    else if (this.#held.length < MAX_HELD) this.#held.push(arrival)
    else this.#overflow = arrival.cursor
  }

  #take(arrival: Arrival): void {
    if ('gap' in arrival) this.#skip(arrival.gap, arrival.cursor)
    else if (this.#place.moveTo(arrival.cursor)) this.#deliver(arrival.event)
  }

  #skip(gap: Gap, cursor: StartingPoint): void {
    if (this.#place.cursor !== undefined && gap.reason !== 'unknown' && this.#place.position >= gap.to) return
    this.#place.jumpTo(cursor)
    this.#call(() => this.#options.onGap?.(gap))
  }

  /** Reads the history up to where the connection was, then delivers what was held back. */
  async #catchUp(to: Cursor, signal: AbortSignal): Promise<void> {
    await this.#readHistory(to, signal)
    if (signal.aborted) return
    const overflow = this.#overflow
    if (overflow !== undefined) {
      // By now the history has it, and what was held back before it.
      this.#held = []
      this.#overflow = undefined
      return this.#catchUp(overflow, signal)
    }
    const held = this.#held ?? []
    this.#held = undefined
    this.#place.moveTo(to)
    for (const arrival of held) {
      if (signal.aborted) return
      this.#take(arrival)
    }
  }

  async #readHistory(to: Cursor, signal: AbortSignal): Promise<void> {
    const through = positionOf(to)
    while (!signal.aborted) {
      try {
        return await readHistory({
          url: this.#url,
          channels: this.channels,
          after: this.#place.cursor ?? to,
          through,
          onEvent: (event) => {
            if (!signal.aborted && this.#place.pass(event.position)) this.#deliver(event)
          },
          // A plain position is of the present log, and the cursor of the page follows.
          onGap: (gap) => !signal.aborted && this.#skip(gap, gap.to),
          onPage: (cursor) => {
            if (!signal.aborted && positionOf(cursor) <= Math.max(through, this.#place.position))
              this.#place.moveTo(cursor)
          },
          signal,
        })
      } catch {
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY))
      }
    }
  }

  #deliver(event: StreamEvent): void {
    this.#call(() => this.#options.onEvent(event))
  }

  /** The error of one listener must not cost the others their events. */
  #call(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      reportError(error)
    }
  }
}
