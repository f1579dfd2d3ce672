import { jittered, SECOND } from '../platform/time.ts'
import { StreamLedger } from '../protocol/ledger.ts'
import { numberAt, type ScannedFrame } from './frame-scanner.ts'
import { StreamSocket } from './stream-socket.ts'

export interface SubscriberOptions {
  /** Instances, without a path. */
  urls: readonly string[]
  /** Patterns of channels. */
  channels: readonly string[]
  headers: Record<string, string>
  /** Whether the number of an event lies in those channels. */
  wants: (n: number) => boolean
  /** Numbers from 0 to 1. */
  random: () => number
  /** Told the number and the position of each event of the log. */
  onEvent: (n: number, position: number) => void
}

/** How long it waits while no server has told it. */
const FIRST_WAIT = SECOND / 10
const MAX_WAIT = 2 * SECOND
const CONNECT_PATIENCE = 5 * SECOND

/**
 * A client as good ones are: it resumes after its last event ID, on any of the instances; it waits as long as the server
 * told it; and it takes a connection that is silent for too long for dead. What it receives goes into a ledger.
 */
export class Subscriber {
  readonly ledger: StreamLedger
  readonly #options: SubscriberOptions
  #socket: StreamSocket | undefined
  #retry: number | undefined
  /** Whether the server said when to come back: a reconnection time of `ready` is for the first try alone. */
  #isTold = false
  #failures = 0
  #patience = Number.POSITIVE_INFINITY
  #hasHeard = false
  #silentSince = performance.now()
  #timer: Timer | undefined
  #isPaused = false
  #isStopped = false
  isReady = false
  /** Why the last connection ended. */
  problem = ''
  /** Connections after the first. */
  reconnects = -1
  /** Gaps that the server announced. */
  gaps = 0
  /** Milliseconds that the servers which closed it told it to wait, one after the other. */
  readonly waits: number[] = []

  constructor(options: SubscriberOptions) {
    this.#options = options
    this.ledger = new StreamLedger(options.wants)
    this.#connect()
  }

  /** Ends the connection without a word, as a network does. */
  cut(): void {
    this.#socket?.close()
  }

  /** Cuts a connection that has been silent for two and a half heartbeats, or never began. To be called now and then. */
  tick(now: number): void {
    const patience = this.isReady ? this.#patience : Math.min(CONNECT_PATIENCE, this.#patience)
    if (this.#hasHeard || this.#isPaused || this.#socket?.isClosed) {
      this.#hasHeard = false
      this.#silentSince = now
    } else if (now - this.#silentSince > patience) {
      this.cut()
    }
  }

  /** Stops reading; `resume` goes on. */
  pause(): void {
    this.#isPaused = true
    this.#socket?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#socket?.resume()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#socket?.close()
  }

  #connect(): void {
    const { urls, channels, headers, random } = this.#options
    const url = urls[Math.floor(random() * urls.length)]
    const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
    const cursor = this.ledger.lastPosition
    this.#socket = new StreamSocket({
      url: `${url}/events?${query}`,
      headers: { ...headers, ...(cursor !== undefined && { 'last-event-id': String(cursor) }) },
      onFrame: (frame) => this.#onFrame(frame),
      onRetry: (ms) => {
        this.#retry = ms
      },
      onClose: (problem) => this.#onClose(problem),
    })
  }

  #onFrame({ id, event, text }: ScannedFrame): void {
    // A flag and no clock: this is called hundreds of thousands of times a second.
    this.#hasHeard = true
    switch (event) {
      case 'ready':
        this.#onReady(id, text)
        break
      case 'gap':
        this.gaps++
        this.ledger.advance(id)
        break
      case 'heartbeat':
        this.ledger.advance(id)
        break
      case 'closing':
        this.#isTold = true
        this.ledger.advance(id)
        break
      default: {
        const n = numberAt(text, text.indexOf('"n":') + 4)
        this.ledger.receive(n, id)
        this.#options.onEvent(n, id)
      }
    }
  }

  #onReady(cursor: number, text: string): void {
    // Before a gap, `ready` has no id.
    this.ledger.begin(cursor === -1 ? numberAt(text, text.indexOf('"cursor":"') + 10) : cursor)
    this.#patience = 2.5 * numberAt(text, text.indexOf('"heartbeat":') + 12)
    this.#failures = 0
    this.isReady = true
    this.reconnects++
    if (this.#isPaused) this.#socket?.pause()
  }

  #onClose(problem: string): void {
    this.isReady = false
    this.problem = problem
    if (this.#isStopped) return
    const backoff = Math.min(MAX_WAIT, FIRST_WAIT * 2 ** this.#failures++)
    const isAsTold = this.#retry !== undefined && (this.#isTold || this.#failures === 1)
    if (this.#isTold && this.#retry !== undefined) this.waits.push(this.#retry)
    this.#isTold = false
    // Full jitter, but never sooner than the server wants.
    const wait = isAsTold ? this.#retry : jittered(backoff / 2)
    this.#timer = setTimeout(() => this.#connect(), wait)
  }
}
