import { createParser } from 'eventsource-parser'
import { type Publications, StreamLedger } from '../../../server/protocol/ledger.ts'
import { positionOf } from '../sse/position-of.ts'
import type { Ready } from '../sse/protocol.ts'

export type LabState = 'connecting' | 'live' | 'waiting' | 'stalled' | 'offline' | 'refused'

export interface LabStreamOptions {
  number: number
  url: string
  channels: readonly string[]
  /** A position, `earliest`, or empty for now. */
  cursor: string
  publications: Publications
  /** Milliseconds between the publishing of an event and now, by the clock of this page. */
  onLatency: (ms: number) => void
}

/** What the lab publishes. */
export interface LabData {
  /** Its number. */
  n: number
  /** `Date.now()` of the page that published it. */
  at: number
}

const RETRY = 300
const MAX_WAIT = 10_000
/** Milliseconds that a connection may take to begin. */
const CONNECT_PATIENCE = 10_000

/**
 * One stream of the lab, over fetch: unlike an EventSource it can stop reading, and be broken on purpose. It keeps a
 * ledger of what it received across all its connections.
 */
export class LabStream {
  readonly #options: LabStreamOptions
  readonly ledger = new StreamLedger()
  #abort: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #watchdog: ReturnType<typeof setTimeout> | undefined
  /** Milliseconds of silence after which the connection counts as dead. */
  #patience = CONNECT_PATIENCE
  #isStalled = false
  #isOffline = false
  #isClosed = false
  #resume: (() => void) | undefined
  #retry = RETRY
  #failures = 0
  state: LabState = 'connecting'
  instance = ''
  received = 0
  gaps = 0
  reconnects = 0
  /** Milliseconds, of the newest event. */
  lag = 0

  constructor(options: LabStreamOptions) {
    this.#options = options
    void this.#connect()
  }

  get number(): number {
    return this.#options.number
  }

  get channels(): readonly string[] {
    return this.#options.channels
  }

  /** The connection breaks; it comes back by itself. */
  drop(): void {
    this.#abort?.abort()
  }

  /** Comes back now, without waiting. */
  reconnect(): void {
    if (this.#isOffline || this.#isClosed) return
    this.drop()
    clearTimeout(this.#timer)
    void this.#connect()
  }

  /** Reads no more, so that what comes piles up in the sockets; or reads again. */
  setStalled(isStalled: boolean): void {
    this.#isStalled = isStalled
    if (isStalled && this.state === 'live') this.state = 'stalled'
    if (!isStalled) {
      if (this.state === 'stalled') this.state = 'live'
      this.#resume?.()
    }
  }

  setOffline(isOffline: boolean): void {
    this.#isOffline = isOffline
    if (isOffline) {
      clearTimeout(this.#timer)
      this.drop()
      this.state = 'offline'
    } else this.reconnect()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#resume?.()
    this.drop()
  }

  async #connect(): Promise<void> {
    if (this.#isClosed || this.#isOffline) return
    this.#abort?.abort()
    const abort = new AbortController()
    this.#abort = abort
    this.state = 'connecting'
    this.#patience = CONNECT_PATIENCE
    this.#feedWatchdog(abort)
    try {
      await this.#read(abort)
    } catch {
      // Broken: by the lab, or by what the lab did to the server.
    }
    if (this.#abort === abort) clearTimeout(this.#watchdog)
    if (this.#abort !== abort || this.#isClosed || this.#isOffline || (this.state as LabState) === 'refused') return
    this.state = 'waiting'
    this.reconnects++
    const wait = Math.min(MAX_WAIT, this.#retry * 2 ** this.#failures++)
    this.#timer = setTimeout(() => void this.#connect(), Math.random() * wait)
  }

  #feedWatchdog(abort: AbortController): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => abort.abort(), this.#patience)
  }

  async #read(abort: AbortController): Promise<void> {
    const { signal } = abort
    const response = await fetch(this.#address(), { headers: { accept: 'text/event-stream' }, signal })
    if (response.status >= 400 && response.status < 500) this.state = 'refused'
    if (!response.ok || !response.body) return
    const parser = createParser({
      onEvent: ({ id, event, data }) => this.#take(positionOf(id ?? ''), event, data),
      onRetry: (ms) => {
        this.#retry = ms
      },
    })
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      if (this.#isStalled) {
        clearTimeout(this.#watchdog)
        await new Promise<void>((resolve) => {
          this.#resume = resolve
          signal.addEventListener('abort', () => resolve())
        })
      }
      this.#feedWatchdog(abort)
      const { done, value } = await reader.read()
      if (done) return
      parser.feed(value)
    }
  }

  #address(): string {
    const query = new URLSearchParams(this.#options.channels.map((channel) => ['channel', channel]))
    const cursor = this.ledger.lastPosition ?? this.#options.cursor
    if (cursor !== '') query.set('lastEventId', String(cursor))
    return `${this.#options.url}?${query}`
  }

  #take(position: number, event: string | undefined, data: string): void {
    if (event === 'ready') {
      const ready = JSON.parse(data) as Ready
      this.instance = ready.instance
      this.#patience = 2.5 * ready.heartbeat
      this.#failures = 0
      this.state = this.#isStalled ? 'stalled' : 'live'
      this.ledger.begin(positionOf(ready.cursor))
    } else if (event === 'gap') {
      this.gaps++
      this.ledger.advance(position)
    } else if (event === 'heartbeat' || event === 'closing') {
      if (Number.isFinite(position)) this.ledger.advance(position)
    } else this.#count(position, JSON.parse(data) as { data: Partial<LabData> | null; channel: string })
  }

  /** Of what others publish on its channels, only the order can be checked. */
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
