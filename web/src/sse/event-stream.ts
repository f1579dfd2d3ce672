import { positionOf } from './position-of.ts'
import type { Closing, Gap, Ready, StreamEvent, StreamState } from './protocol.ts'

export interface EventStreamOptions {
  /** Patterns of channels, such as `orders.>`. */
  channels: readonly string[]
  /** Cursor: begin after this position. Defaults to the head. */
  after?: number | undefined
  /** The page's own events (published with this as `X-Client-Id`) are left out. */
  clientId?: string | undefined
  /** Where the stream is. Defaults to `/events`. */
  url?: string
  /** Connected: events on these channels after this position follow. */
  onReady?: (position: number, channels: readonly string[]) => void
  onEvent?: (event: StreamEvent) => void
  onGap?: (gap: Gap) => void
  /** The cursor moved without an event. */
  onPosition?: (position: number) => void
  onState?: (state: StreamState) => void
}

export interface EventStream {
  /** Everything up to here has come; what a next stream begins after. */
  readonly position: number | undefined
  /** Follows other channels from now on, without losing its place. */
  follow(channels: readonly string[]): void
  close(): void
}

const SECOND = 1000
const FIRST_WAIT = 1 * SECOND
const MAX_WAIT = 30 * SECOND
/** How long a server that stops may take to be there again, before the wait grows with each try. */
const RESTART_PATIENCE = 10 * SECOND
/** How long a stream may take to begin. */
const CONNECT_PATIENCE = 10 * SECOND

/**
 * Follows channels over the browser's own EventSource, and keeps at it where EventSource gives up: after an error
 * status, and on a connection that went silent. Each try begins after the last event ID, and what came already is left
 * out, so `onEvent` gets every event once and in order.
 */
export function openEventStream(options: EventStreamOptions): EventStream {
  const stream = new Follower(options)
  stream.start()
  return stream
}

/** Of a server on this machine, the browser's network says nothing. */
const isOffline = () => navigator.onLine === false && !LOOPBACK.test(globalThis.location?.hostname ?? '')

const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/

class Follower implements EventStream {
  readonly #options: EventStreamOptions
  #channels: readonly string[]
  #source: EventSource | undefined
  #position: number | undefined
  #instance = ''
  /** Up to here it catches up. */
  #head = 0
  #isOpen = false
  #isClosed = false
  #failures = 0
  /** Of a server that stops: the time between two tries, and until when (milliseconds since the epoch). */
  #restart: { retry: number; until: number } | undefined
  /** Milliseconds of silence after which the connection counts as dead: two and a half heartbeats. */
  #patience = CONNECT_PATIENCE
  #watchdog: ReturnType<typeof setTimeout> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #state: StreamState['name'] | undefined

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.#channels = options.channels
    this.#position = options.after
  }

  get position(): number | undefined {
    return this.#position
  }

  start(): void {
    globalThis.addEventListener?.('online', this.#onOnline)
    globalThis.addEventListener?.('offline', this.#onOffline)
    this.#connect()
  }

  follow(channels: readonly string[]): void {
    if (this.#isClosed) return
    this.#channels = channels
    this.#failures = 0
    this.#reconnect()
  }

  close(): void {
    this.#isClosed = true
    globalThis.removeEventListener?.('online', this.#onOnline)
    globalThis.removeEventListener?.('offline', this.#onOffline)
    this.#disconnect()
    this.#setState({ name: 'closed' })
  }

  #reconnect(): void {
    this.#disconnect()
    this.#connect()
  }

  #connect(): void {
    if (isOffline()) {
      this.#setState({ name: 'offline' })
      return
    }
    this.#setState({ name: 'connecting' })
    const source = new EventSource(this.#address())
    this.#source = source
    source.addEventListener('ready', (event) => this.#onReady(event))
    source.addEventListener('gap', (event) => this.#onGap(event))
    source.addEventListener('heartbeat', (event) => this.#advance(event))
    source.addEventListener('closing', (event) => this.#onClosing(event))
    source.onmessage = (event) => this.#onMessage(event)
    source.onerror = () => this.#onError(source)
    this.#feedWatchdog()
  }

  #address(): string {
    const { url = '/events', clientId } = this.#options
    const query = new URLSearchParams(this.#channels.map((channel) => ['channel', channel]))
    // onmessage gets every type; the type is in the data.
    query.set('named', 'false')
    if (clientId !== undefined) query.set('clientId', clientId)
    if (this.#position !== undefined) query.set('lastEventId', String(this.#position))
    return `${url}?${query}`
  }

  #onReady(event: MessageEvent<string>): void {
    const { heartbeat, head, instance, cursor } = JSON.parse(event.data) as Ready
    this.#patience = 2.5 * heartbeat
    this.#failures = 0
    this.#restart = undefined
    this.#isOpen = true
    this.#instance = instance
    this.#head = head
    // Without an id a gap follows, which moves the cursor.
    if (event.lastEventId) this.#moveTo(positionOf(event.lastEventId))
    this.#options.onReady?.(positionOf(cursor), this.#channels)
    this.#feedWatchdog()
    this.#showProgress()
  }

  #onGap(event: MessageEvent<string>): void {
    const gap = JSON.parse(event.data) as Gap
    this.#position = gap.to
    this.#options.onGap?.(gap)
    this.#options.onPosition?.(gap.to)
    this.#feedWatchdog()
    this.#showProgress()
  }

  #onMessage(event: MessageEvent<string>): void {
    const position = positionOf(event.lastEventId)
    // Told again: another connection was quicker.
    if (position > (this.#position ?? -1)) {
      this.#position = position
      this.#options.onEvent?.({ position, ...(JSON.parse(event.data) as Omit<StreamEvent, 'position'>) })
    }
    this.#feedWatchdog()
    this.#showProgress()
  }

  #advance(event: MessageEvent<string>): void {
    if (event.lastEventId) this.#moveTo(positionOf(event.lastEventId))
    this.#feedWatchdog()
    this.#showProgress()
  }

  /** The server ends the stream, and says when to come back: not before, and later each time it does so again. */
  #onClosing(event: MessageEvent<string>): void {
    const { reason, retry } = JSON.parse(event.data) as Closing
    if (reason === 'drain') this.#restart = { retry, until: this.#restart?.until ?? Date.now() + RESTART_PATIENCE }
    if (event.lastEventId) this.#moveTo(positionOf(event.lastEventId))
    this.#retryLater(retry)
  }

  #moveTo(position: number): void {
    if (position <= (this.#position ?? -1)) return
    this.#position = position
    this.#options.onPosition?.(position)
  }

  #showProgress(): void {
    if ((this.#position ?? 0) < this.#head) this.#setState({ name: 'catching up' })
    else this.#setState({ name: 'live', instance: this.#instance })
  }

  #onError(source: EventSource): void {
    const wasOpen = this.#isOpen
    this.#isOpen = false
    if (source.readyState === EventSource.CLOSED) {
      if (wasOpen) this.#retryLater()
      else void this.#askWhy(source)
    } else if (wasOpen) {
      // It tries again by itself, in the time that the server told it.
      this.#setState({ name: 'connecting' })
      this.#feedWatchdog()
      // That did not help either: from now on, later each time.
    } else this.#retryLater()
  }

  /** An EventSource does not tell the status that made it give up. */
  async #askWhy(source: EventSource): Promise<void> {
    this.#disconnect()
    const stop = new AbortController()
    const response = await fetch(this.#address(), {
      headers: { accept: 'text/event-stream' },
      signal: AbortSignal.any([stop.signal, AbortSignal.timeout(CONNECT_PATIENCE)]),
    }).catch(() => undefined)
    const refusal = response && response.status >= 400 && response.status < 500 && response.status !== 429
    const problem = refusal ? await response.json().catch(() => undefined) : undefined
    stop.abort()
    // Meanwhile it may have been closed, or told to follow something else.
    if (this.#isClosed || this.#source !== undefined || source.readyState !== EventSource.CLOSED) return
    if (response?.status === 204) this.#setState({ name: 'over' })
    else if (refusal) {
      const { detail } = (problem ?? {}) as { detail?: string }
      this.#setState({ name: 'refused', reason: detail ?? `The server answered ${response.status}.` })
    } else this.#retryLater()
  }

  #feedWatchdog(): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => this.#retryLater(), this.#patience)
  }

  /** @param told milliseconds that the server wants the client to wait, at least */
  #retryLater(told?: number): void {
    this.#disconnect()
    if (isOffline()) {
      this.#setState({ name: 'offline' })
      return
    }
    const wait = this.#nextWait(told)
    this.#setState({ name: 'waiting', at: Date.now() + wait })
    this.#retry = setTimeout(() => this.#connect(), wait)
  }

  /**
   * Full jitter: between nothing and twice as long each time, so that many pages do not come back at once. What the server
   * says comes first; when it stops, its time is made for the number of its streams, and is used until it is back.
   */
  #nextWait(told: number | undefined): number {
    if (this.#restart && Date.now() < this.#restart.until) return this.#restart.retry
    const backoff = Math.random() * Math.min(MAX_WAIT, FIRST_WAIT * 2 ** this.#failures++)
    if (told === undefined) return backoff
    return this.#failures === 1 ? told : told + backoff
  }

  #disconnect(): void {
    clearTimeout(this.#watchdog)
    clearTimeout(this.#retry)
    this.#source?.close()
    this.#source = undefined
    this.#isOpen = false
  }

  readonly #onOnline = () => {
    if (this.#state !== 'offline' && this.#state !== 'waiting') return
    this.#failures = 0
    this.#reconnect()
  }

  readonly #onOffline = () => {
    if (!isOffline()) return
    this.#disconnect()
    this.#setState({ name: 'offline' })
  }

  #setState(state: StreamState): void {
    // Said once, but for a new time to wait until, and another instance.
    if (state.name === this.#state && state.name !== 'waiting' && state.name !== 'live') return
    this.#state = state.name
    this.#options.onState?.(state)
  }
}
