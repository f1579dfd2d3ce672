import { SECOND } from '../platform/time.ts'
import { StreamLedger } from '../protocol/ledger.ts'
import { createReconnectPolicy, type ReconnectPolicy } from '../protocol/reconnect-policy.ts'
import type { Transport } from '../protocol/transport.ts'
import type { Connection, ScannedFrame } from './connection.ts'
import { numberAt } from './frame-scanner.ts'
import { openConnection } from './open-connection.ts'

/** What a subscriber reads, and what it reports to. */
export interface SubscriberOptions {
  /** Instances, without a path. */
  urls: readonly string[]
  /** Defaults to `sse`. */
  transport?: Transport
  /** Seconds that a request of long-polling waits. Defaults to `10`. */
  wait?: number
  /** Patterns of channels. */
  channels: readonly string[]
  /** Returns further headers of a request: each has those of its time, as a browser sends its newest cookie. */
  headers: () => Record<string, string>
  /** Whether the number of an event is in those channels. */
  wants: (n: number) => boolean
  /** Returns numbers from 0 (included) to 1 (excluded). */
  random: () => number
  /** Receives the number and the position of each event. */
  onEvent: (n: number, position: number) => void
}

/** The event before the end of a stream that the server closes. */
export interface ReceivedClosing {
  reason: string
  /** Reconnection time in milliseconds. */
  retry: number
  /** When it arrived, in milliseconds since the Unix epoch. */
  at: number
}

/**
 * A verifier reconnects faster than other clients, on purpose: it measures servers, and a run lasts seconds. It takes no
 * status for final either: while instances are killed, what is between them and it may give any.
 */
const FASTER = { firstWait: SECOND / 10, maxWait: 2 * SECOND, connectTimeout: 5 * SECOND, stableAfter: SECOND }

/**
 * A client that resumes after its last event ID, on any of the instances, by the policy of all clients
 * (`protocol/reconnect-policy.ts`). What it receives goes into a ledger.
 */
export class Subscriber {
  /** What arrived, over all connections. */
  readonly ledger: StreamLedger
  readonly #options: SubscriberOptions
  readonly #policy: ReconnectPolicy
  #connection: Connection | undefined
  /** The id of the newest frame that had one. */
  #cursor: string | undefined
  #retry = 0
  #hasHeard = false
  #silentSince = performance.now()
  #timer: Timer | undefined
  #isPaused = false
  #isStopped = false
  /** Whether `ready` has arrived on the present connection. */
  isReady = false
  /** Why the last connection ended. */
  problem = ''
  /** Connections after the first. */
  reconnects = -1
  /** Bytes sent and received, over all connections. */
  traffic = 0
  /** Gaps that the server announced. */
  gaps = 0
  /** Each `closing`, in the order of arrival. */
  readonly closings: ReceivedClosing[] = []

  constructor(options: SubscriberOptions) {
    this.#options = options
    this.#policy = createReconnectPolicy({ ...FASTER, random: options.random })
    this.ledger = new StreamLedger(options.wants)
    this.#connect()
  }

  /** Ends the connection without notice, as a broken network does. */
  cut(): void {
    this.#connection?.close()
  }

  /** Cuts a connection that exceeds the silence limit. Call it at regular intervals. @param now of `performance.now()` */
  tick(now: number): void {
    if (this.#hasHeard || this.#isPaused || this.#connection?.isClosed) {
      this.#hasHeard = false
      this.#silentSince = now
    } else if (now - this.#silentSince > this.#policy.silenceLimit) {
      this.cut()
    }
  }

  /** Stops reading until `resume`. */
  pause(): void {
    this.#isPaused = true
    this.#connection?.pause()
  }

  /** Reads again. */
  resume(): void {
    this.#isPaused = false
    this.#connection?.resume()
  }

  /** Closes the connection for good. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#connection?.close()
  }

  #connect(): void {
    const { urls, transport = 'sse', wait, channels, headers, random } = this.#options
    const url = urls[Math.floor(random() * urls.length)]
    const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
    this.#policy.connecting()
    this.#connection = openConnection(transport, {
      url: `${url}/events?${query}`,
      headers,
      cursor: this.#cursor,
      ...(wait !== undefined && { wait }),
      onFrame: (frame) => this.#onFrame(frame),
      onRetry: (ms) => {
        this.#retry = ms
        this.#policy.setReconnectionTime(ms)
      },
      onTraffic: (bytes) => {
        this.traffic += bytes
      },
      onClose: (problem) => this.#onClose(problem),
    })
  }

  #onFrame({ id, cursor, event, text }: ScannedFrame): void {
    // A flag and no clock: this is called hundreds of thousands of times a second.
    this.#hasHeard = true
    if (id !== -1) this.#cursor = cursor
    switch (event) {
      case 'ready':
        this.#onReady(id, text)
        break
      case 'gap':
        this.gaps++
        if (text.includes('"unknown"')) this.ledger.setBack(id)
        else this.ledger.advance(id)
        break
      case 'heartbeat':
      case 'auth-expiring':
        this.ledger.advance(id)
        break
      case 'closing':
        this.#onClosing(id, text)
        break
      default: {
        const n = numberAt(text, text.indexOf('"n":') + 4)
        this.ledger.receive(n, id)
        this.#options.onEvent(n, id)
      }
    }
  }

  #onReady(position: number, text: string): void {
    // `ready` has no id when a gap follows.
    this.ledger.begin(position === -1 ? memberOf(text, 'cursor') : position)
    this.#policy.ready(memberOf(text, 'heartbeat'), performance.now())
    this.isReady = true
    this.reconnects++
    if (this.#isPaused) this.#connection?.pause()
  }

  #onClosing(position: number, text: string): void {
    this.ledger.advance(position)
    const reason = /"reason":"([^"]*)"/.exec(text)?.[1] ?? ''
    // The frame has its time as a field, too, which arrived just before.
    this.closings.push({ reason, retry: this.#retry, at: Date.now() })
    this.#policy.closing({ reason, retry: this.#retry }, performance.now())
  }

  #onClose(problem: string): void {
    this.isReady = false
    this.problem = problem
    if (this.#isStopped) return
    this.#timer = setTimeout(() => this.#connect(), this.#policy.nextWait(performance.now()))
  }
}

/** A number, or the number that a cursor begins with, of the JSON in a frame. */
function memberOf(text: string, name: string): number {
  const start = text.indexOf(`"${name}":`) + name.length + 3
  return numberAt(text, text[start] === '"' ? start + 1 : start)
}
