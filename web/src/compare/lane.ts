import { Histogram } from '../../../server/protocol/histogram.ts'
import { type Publications, StreamLedger } from '../../../server/protocol/ledger.ts'
import type { ConnectionHandlers, OpenConnection } from '../sse/connection.ts'
import { positionOf } from '../sse/cursor.ts'
import { openEventStream } from '../sse/event-stream.ts'
import type { EventStream } from '../sse/event-stream-options.ts'
import type { StreamEvent, StreamState } from '../sse/protocol.ts'
import { Arrivals } from './arrivals.ts'
import type { Kind } from './kinds.ts'
import type { NumberedData } from './publisher.ts'
import type { WireMeter } from './wire-meter.ts'

/** What a lane follows, and over what. */
export interface LaneOptions {
  kind: Kind
  channel: string
  /** Cursor to begin after: the same for all lanes. */
  after: string
  publications: Publications
  meter: WireMeter
  /** Opens the connections of this lane. */
  connect: OpenConnection
  /** A numbered event arrived. @param latency milliseconds since it was published, by the clock of this page */
  onArrival: (n: number, latency: number) => void
}

/** Numbered events over one transport: the browser client of this repository, its ledger, and what it has cost. */
export class Lane {
  readonly #options: LaneOptions
  readonly #stream: EventStream
  readonly kind: Kind
  readonly meter: WireMeter
  /** What arrived on the wire, over all connections: before the client leaves duplicates out. */
  readonly ledger = new StreamLedger()
  readonly arrivals = new Arrivals()
  /** Latencies of the events of the steady rate, without those of actions. */
  readonly latencies = new Histogram()
  state: StreamState = { name: 'connecting' }
  /** Numbered events that arrived, duplicates included. */
  received = 0
  /** The largest number that arrived; `-1` before the first. */
  highest = -1
  /** Connections made after the first. */
  reconnects = -1
  /** Why the server closed the last connection, as `closing` says; empty when it did not. */
  closedAs = ''

  constructor(options: LaneOptions) {
    this.#options = options
    this.kind = options.kind
    this.meter = options.meter
    this.ledger.begin(positionOf(options.after))
    this.#stream = openEventStream({
      channels: [options.channel],
      after: options.after,
      transport: options.kind.transport,
      connect: (transport, request, handlers) => options.connect(transport, request, this.#watched(handlers)),
      onState: (state) => {
        this.state = state
      },
    })
  }

  /** The network is back: connects at once, as the client does on the browser's `online` event. */
  reconnect(): void {
    if (this.state.name !== 'refused') this.#stream.follow([this.#options.channel])
  }

  /** Closes the lane for good. */
  close(): void {
    this.#stream.close()
  }

  #watched(handlers: ConnectionHandlers): ConnectionHandlers {
    return {
      ...handlers,
      onReady: (ready, id) => {
        this.reconnects++
        this.closedAs = ''
        handlers.onReady(ready, id)
      },
      onEvent: (event, id) => {
        this.#count(event, positionOf(id))
        handlers.onEvent(event, id)
      },
      onHeartbeat: (id) => {
        this.ledger.advance(positionOf(id))
        handlers.onHeartbeat(id)
      },
      onClosing: (closing, id) => {
        this.closedAs = closing.reason
        handlers.onClosing(closing, id)
      },
      onGap: (gap, id) => {
        if (gap.reason === 'unknown') this.ledger.setBack(positionOf(id))
        else this.ledger.advance(positionOf(id))
        handlers.onGap(gap, id)
      },
    }
  }

  #count({ data }: Omit<StreamEvent, 'position'>, position: number): void {
    const { n, at } = (data ?? {}) as Partial<NumberedData>
    // Others may publish here, too.
    if (typeof n !== 'number' || typeof at !== 'number' || n >= this.#options.publications.sent) return
    this.received++
    this.ledger.receive(n, position)
    this.#options.publications.place(n, position)
    this.arrivals.arrive(n, performance.now())
    this.highest = Math.max(this.highest, n)
    this.#options.onArrival(n, Math.max(0, Date.now() - at))
  }
}
