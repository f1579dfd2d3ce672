import { createParser } from 'eventsource-parser'
import { type Publications, StreamLedger } from '../../../server/protocol/ledger.ts'
import { parseRetryAfter, verdictOf } from '../../../server/protocol/reconnect-policy.ts'
import { positionOf } from '../sse/cursor.ts'
import type { Closing, Gap, Ready } from '../sse/protocol.ts'
import { ReconnectTimer } from '../sse/reconnect-timer.ts'

/** What a stream of the lab is doing. `over` and `refused` are final (`verdictOf`). */
export type LabState = 'connecting' | 'live' | 'waiting' | 'stalled' | 'offline' | 'refused' | 'over'

/** What a stream of the lab follows. */
export interface LabStreamOptions {
  /** Its number in the list. */
  number: number
  /** Address of the stream. */
  url: string
  /** Patterns of channels. */
  channels: readonly string[]
  /** Cursor to begin after: a cursor, a position, `earliest`, or empty for the head of the log. */
  cursor: string
  /** What the lab has published. */
  publications: Publications
  /** Receives the latency of each numbered event: milliseconds since it was published, by the clock of this page. */
  onLatency: (ms: number) => void
}

/** The data of the events that the lab publishes. */
export interface LabData {
  /** Number of the event. */
  n: number
  /** `Date.now()` of the page that published it. */
  at: number
}

/**
 * One stream of the lab, over fetch: unlike an EventSource it can stop reading, and be broken on purpose. It reconnects by the
 * policy of all clients, and keeps a ledger of what it received across all its connections.
 */
export class LabStream {
  readonly #options: LabStreamOptions
  readonly #timer: ReconnectTimer
  /** What arrived, over all connections. */
  readonly ledger = new StreamLedger()
  #abort: AbortController | undefined
  /** The last event ID. */
  #cursor: string
  #isStalled = false
  #isOffline = false
  #isClosed = false
  #resume: (() => void) | undefined
  /** What it is doing. */
  state: LabState = 'connecting'
  /** Name of the instance that serves it. */
  instance = ''
  /** Events received, duplicates included. */
  received = 0
  /** Gaps that the server announced. */
  gaps = 0
  /** Connections after the first. */
  reconnects = 0
  /** Latency of the newest event, in milliseconds; `undefined` before the first. */
  lag: number | undefined

  constructor(options: LabStreamOptions) {
    this.#options = options
    this.#cursor = options.cursor
    this.#timer = new ReconnectTimer({ connect: () => void this.#connect(), onSilence: () => this.drop() })
    void this.#connect()
  }

  /** Its number in the list. */
  get number(): number {
    return this.#options.number
  }

  /** Patterns of the channels that it follows. */
  get channels(): readonly string[] {
    return this.#options.channels
  }

  /** Breaks the connection; it reconnects after the wait of the policy. */
  drop(): void {
    this.#abort?.abort()
  }

  /** Reconnects at once. */
  reconnect(): void {
    if (this.#isOffline || this.#isClosed) return
    this.#timer.policy.reset()
    void this.#connect()
  }

  /** Stops reading, so that what arrives fills the buffers of the network; or reads again. */
  setStalled(isStalled: boolean): void {
    this.#isStalled = isStalled
    if (isStalled && this.state === 'live') this.state = 'stalled'
    if (!isStalled) {
      if (this.state === 'stalled') this.state = 'live'
      this.#resume?.()
    }
  }

  /** Breaks the connection until it is online again; then it reconnects at once. */
  setOffline(isOffline: boolean): void {
    this.#isOffline = isOffline
    if (isOffline) {
      this.#timer.stop()
      this.drop()
      this.state = 'offline'
    } else this.reconnect()
  }

  /** Closes the stream for good. */
  close(): void {
    this.#isClosed = true
    this.#timer.stop()
    this.#resume?.()
    this.drop()
  }

  async #connect(): Promise<void> {
    if (this.#isClosed || this.#isOffline) return
    this.#abort?.abort()
    const abort = new AbortController()
    this.#abort = abort
    this.state = 'connecting'
    this.#timer.policy.connecting()
    this.#timer.watch()
    try {
      await this.#read(abort.signal)
    } catch {
      // Broken: by the lab, or by what the lab did to the server.
    }
    if (this.#abort !== abort || this.#isClosed || this.#isOffline) return
    if (this.#isFinal) this.#timer.stop()
    else {
      this.state = 'waiting'
      this.reconnects++
      this.#timer.retry()
    }
  }

  get #isFinal(): boolean {
    return this.state === 'refused' || this.state === 'over'
  }

  async #read(signal: AbortSignal): Promise<void> {
    const response = await fetch(this.#address(), { headers: { accept: 'text/event-stream' }, signal })
    const verdict = verdictOf(response.status)
    if (verdict === 'refused' || verdict === 'over') this.state = verdict
    if (verdict !== 'stream' || !response.body) {
      const retryAfter = parseRetryAfter(response.headers.get('retry-after'), Date.now())
      if (retryAfter !== undefined) this.#timer.policy.setLeastWait(retryAfter)
      return
    }
    const parser = createParser({
      onEvent: ({ id, event, data }) => this.#take(id, event, data),
      onRetry: (ms) => this.#timer.policy.setReconnectionTime(ms),
    })
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      if (this.#isStalled) await this.#untilResumed(signal)
      this.#timer.watch()
      const { done, value } = await reader.read()
      if (done) return
      parser.feed(value)
    }
  }

  /** Resolves when it reads again, or the connection is broken. A stream that does not read can't tell whether it is silent. */
  #untilResumed(signal: AbortSignal): Promise<void> {
    this.#timer.stop()
    return new Promise((resolve) => {
      this.#resume = resolve
      signal.addEventListener('abort', () => resolve())
    })
  }

  #address(): string {
    const query = new URLSearchParams(this.#options.channels.map((channel) => ['channel', channel]))
    if (this.#cursor !== '') query.set('lastEventId', this.#cursor)
    return `${this.#options.url}?${query}`
  }

  #take(id: string | undefined, event: string | undefined, data: string): void {
    if (id) this.#cursor = id
    const position = positionOf(id)
    if (event === 'ready') this.#onReady(JSON.parse(data) as Ready)
    else if (event === 'gap') {
      this.gaps++
      if ((JSON.parse(data) as Gap).reason === 'unknown') this.ledger.setBack(position)
      else this.ledger.advance(position)
    } else if (event === 'heartbeat') this.ledger.advance(position)
    else if (event === 'closing') {
      this.#timer.policy.closing(JSON.parse(data) as Closing, Date.now())
      this.ledger.advance(position)
    } else this.#count(position, JSON.parse(data) as { data: Partial<LabData> | null; channel: string })
  }

  #onReady({ instance, heartbeat, cursor }: Ready): void {
    this.instance = instance
    this.#timer.policy.ready(heartbeat, Date.now())
    this.state = this.#isStalled ? 'stalled' : 'live'
    this.ledger.begin(positionOf(cursor))
  }

  /** Of events that others publish on its channels, only the order can be checked. */
  #count(position: number, { data, channel }: { data: Partial<LabData> | null; channel: string }): void {
    this.received++
    if (!channel.startsWith('lab.') || typeof data?.n !== 'number' || typeof data.at !== 'number') {
      if (position <= (this.ledger.lastPosition ?? -1)) this.ledger.reordered++
      this.ledger.advance(position)
      return
    }
    this.ledger.receive(data.n, position)
    this.#options.publications.place(data.n, position)
    this.lag = Date.now() - data.at
    this.#options.onLatency(this.lag)
  }
}
