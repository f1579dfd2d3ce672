/** An event of the log, as it arrived. */
export interface StreamEvent {
  position: number
  channel: string
  type: string
  data: unknown
  /** When it entered the log; RFC 3339. */
  time: string
}

/** Events that can't be had any more: refetch what you show. */
export interface Gap {
  from: number
  to: number
  reason: 'purged' | 'unknown'
}

export type StreamState =
  | { name: 'connecting' }
  | { name: 'live' }
  /** The server can't be reached, or it closed; `at` is when the next try begins, in milliseconds since the epoch. */
  | { name: 'waiting'; at: number }
  | { name: 'closed' }

export interface EventStreamOptions {
  /** Patterns of channels, such as `orders.>`. */
  channels: readonly string[]
  /** Cursor to begin after. Defaults to the head. */
  lastEventId?: string | undefined
  /** The page's own events (published with this as `X-Client-Id`) are left out. */
  clientId?: string | undefined
  /** Where the stream is. Defaults to `/events`. */
  url?: string
  onEvent?: (event: StreamEvent) => void
  onGap?: (gap: Gap) => void
  onState?: (state: StreamState) => void
}

export interface EventStream {
  /** Position of the last event, heartbeat or gap; what a next stream begins after. */
  readonly lastEventId: string | undefined
  close(): void
}

const SECOND = 1000
const FIRST_WAIT = 1 * SECOND
const MAX_WAIT = 30 * SECOND
/** How long a stream may take to begin. */
const CONNECT_PATIENCE = 10 * SECOND

/**
 * Follows channels over the browser's own EventSource, and keeps at it where EventSource gives up: after an error
 * status, and on a connection that went silent. Each try begins after the last event ID, and what came already is left
 * out, so `onEvent` gets every event once and in order.
 */
export function openEventStream(options: EventStreamOptions): EventStream {
  const stream = new Follower(options)
  stream.connect()
  return stream
}

class Follower implements EventStream {
  readonly #options: EventStreamOptions
  #source: EventSource | undefined
  #lastEventId: string | undefined
  #failures = 0
  /** Milliseconds of silence after which the connection counts as dead: two and a half heartbeats. */
  #patience = CONNECT_PATIENCE
  #watchdog: ReturnType<typeof setTimeout> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.#lastEventId = options.lastEventId
  }

  get lastEventId(): string | undefined {
    return this.#lastEventId
  }

  connect(): void {
    this.#setState({ name: 'connecting' })
    const source = new EventSource(this.#address())
    this.#source = source
    source.addEventListener('ready', (event) => this.#onReady(event))
    source.addEventListener('gap', (event) => this.#onGap(event))
    source.addEventListener('heartbeat', (event) => this.#advance(event))
    source.onmessage = (event) => this.#onMessage(event)
    source.onerror = () => this.#onError(source)
    this.#feedWatchdog()
  }

  close(): void {
    this.#disconnect()
    clearTimeout(this.#retry)
    this.#setState({ name: 'closed' })
  }

  #address(): string {
    const { url = '/events', channels, clientId } = this.#options
    const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
    // onmessage gets every type; the type is in the data.
    query.set('named', 'false')
    if (clientId !== undefined) query.set('clientId', clientId)
    if (this.#lastEventId !== undefined) query.set('lastEventId', this.#lastEventId)
    return `${url}?${query}`
  }

  #onReady(event: MessageEvent<string>): void {
    const { heartbeat } = JSON.parse(event.data) as { heartbeat: number }
    this.#patience = 2.5 * heartbeat
    this.#failures = 0
    // Without an id a gap follows, which moves the cursor.
    if (event.lastEventId) this.#lastEventId ??= event.lastEventId
    this.#feedWatchdog()
    this.#setState({ name: 'live' })
  }

  #onGap(event: MessageEvent<string>): void {
    this.#advance(event)
    this.#options.onGap?.(JSON.parse(event.data) as Gap)
  }

  #onMessage(event: MessageEvent<string>): void {
    const position = Number(event.lastEventId)
    if (position <= Number(this.#lastEventId ?? -1)) return
    this.#advance(event)
    this.#options.onEvent?.({ position, ...(JSON.parse(event.data) as Omit<StreamEvent, 'position'>) })
  }

  #advance(event: MessageEvent<string>): void {
    this.#lastEventId = event.lastEventId
    this.#feedWatchdog()
  }

  #onError(source: EventSource): void {
    // While it is connecting, EventSource tries again by itself, in the time that the server told it.
    if (source.readyState === EventSource.CLOSED) this.#retryLater()
    else {
      this.#setState({ name: 'connecting' })
      this.#feedWatchdog()
    }
  }

  #feedWatchdog(): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => this.#retryLater(), this.#patience)
  }

  /** Full jitter: between nothing and twice as long each time, so that many pages do not come back at once. */
  #retryLater(): void {
    this.#disconnect()
    const wait = Math.random() * Math.min(MAX_WAIT, FIRST_WAIT * 2 ** this.#failures++)
    this.#setState({ name: 'waiting', at: Date.now() + wait })
    this.#retry = setTimeout(() => this.connect(), wait)
  }

  #disconnect(): void {
    clearTimeout(this.#watchdog)
    this.#source?.close()
    this.#source = undefined
  }

  #setState(state: StreamState): void {
    this.#options.onState?.(state)
  }
}
