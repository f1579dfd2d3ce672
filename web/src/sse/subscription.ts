import { readHistory } from './history.ts'
import { covers, matches } from './pattern.ts'
import type { Gap, StreamEvent } from './protocol.ts'

export interface SubscriptionOptions {
  /** Patterns of channels, such as `orders.>`. */
  channels: readonly string[]
  /** Cursor: begin after this position, such as the `cursor` that a list was read at. Defaults to now. */
  after?: number | undefined
  onEvent: (event: StreamEvent) => void
  /** What you show may lack something: read it anew, and subscribe with its cursor. */
  onGap?: (gap: Gap) => void
}

const RETRY = 1000
/** Events that wait for the history before them, at most: beyond, the history is read again from where it is. */
const MAX_HELD = 10_000

/**
 * One follower of a connection that it shares with others: a cursor of its own.
 *
 * It **joins** the connection at the position where that is when it covers the channels. What lies between its own cursor
 * and there is read from the history, while what comes meanwhile is held back: no hole, no double, in order.
 */
export class Subscription {
  readonly #options: SubscriptionOptions
  readonly #url: string
  #cursor: number | undefined
  /** Events that came while the history is read; `undefined` once it follows directly, or has not joined. */
  #held: StreamEvent[] | undefined
  /** Position of the newest event that was not held back, because too many were; 0 when all are. */
  #overflow = 0
  #isJoined = false
  #stop = new AbortController()

  constructor(options: SubscriptionOptions, url: string) {
    this.#options = options
    this.#url = url
    this.#cursor = options.after
  }

  /** Patterns of the channels. */
  get channels(): readonly string[] {
    return this.#options.channels
  }

  /** Everything up to here was delivered. */
  get cursor(): number | undefined {
    return this.#cursor
  }

  get isJoined(): boolean {
    return this.#isJoined
  }

  /** The connection covers these channels from this position on. */
  join(channels: readonly string[], position: number): void {
    if (this.#isJoined) return
    if (!this.channels.every((wanted) => channels.some((given) => covers(given, wanted)))) return
    this.#isJoined = true
    this.#cursor ??= position
    if (this.#cursor !== position) {
      this.#held = []
      void this.#catchUp(position, this.#stop.signal)
    }
  }

  /** The connection no longer covers it, or nobody looks: it joins again later, where it left off. */
  leave(): void {
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#isJoined = false
    this.#held = undefined
    this.#overflow = 0
  }

  /** The connection brought an event. */
  offer(event: StreamEvent): void {
    if (!this.#isJoined || !this.channels.some((pattern) => matches(pattern, event.channel))) return
    if (!this.#held) this.#deliver(event)
    else if (this.#held.length < MAX_HELD) this.#held.push(event)
    else this.#overflow = event.position
  }

  /** The connection stands here; there was nothing for anybody up to it. */
  advance(position: number): void {
    if (this.#isJoined && !this.#held && position > (this.#cursor ?? -1)) this.#cursor = position
  }

  /** The connection lost something. */
  tellGap(gap: Gap): void {
    if (this.#cursor !== undefined && gap.reason !== 'unknown' && this.#cursor >= gap.to) return
    this.#cursor = gap.to
    this.#options.onGap?.(gap)
  }

  async #catchUp(through: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await readHistory({
          url: this.#url,
          channels: this.channels,
          after: this.#cursor ?? through,
          through,
          onEvent: (event) => !signal.aborted && this.#deliver(event),
          onGap: (gap) => !signal.aborted && this.tellGap(gap),
          signal,
        })
        break
      } catch {
        if (signal.aborted) return
        await new Promise((resolve) => setTimeout(resolve, RETRY))
      }
    }
    if (signal.aborted) return
    const held = this.#held ?? []
    if (this.#overflow > 0) {
      // It is in the history by now, and so is what was held back before it.
      const newest = this.#overflow
      this.#held = []
      this.#overflow = 0
      return this.#catchUp(newest, signal)
    }
    this.#held = undefined
    if (through > (this.#cursor ?? -1)) this.#cursor = through
    for (const event of held) this.#deliver(event)
  }

  #deliver(event: StreamEvent): void {
    if (event.position <= (this.#cursor ?? -1)) return
    this.#cursor = event.position
    try {
      this.#options.onEvent(event)
    } catch (error) {
      // It costs nobody else their events.
      reportError(error)
    }
  }
}
