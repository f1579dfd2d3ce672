import { Histogram } from '../../../server/protocol/histogram.ts'
import { Publications } from '../../../server/protocol/ledger.ts'
import { randomId } from '../sse/random-id.ts'
import type { Addresses } from './addresses.ts'
import { type LabState, LabStream } from './lab-stream.ts'

/** Milliseconds at which the bars of the histogram end; the last has no end. */
export const BARS = [2, 5, 10, 20, 50, 100, 200, 500, 1000, Number.POSITIVE_INFINITY]

/** What a moment shows of one stream. */
export interface StreamFigures {
  number: number
  state: LabState
  instance: string
  channels: string
  position: number
  received: number
  lag: number
  missing: number
  doubled: number
  reordered: number
  reconnects: number
  gaps: number
}

export interface Figures {
  streams: readonly StreamFigures[]
  sent: number
  acknowledged: number
  delivered: number
  /** Acknowledged events that have not come to everybody yet. */
  outstanding: number
  missing: number
  doubled: number
  reordered: number
  p50: number
  p99: number
  /** Events by latency: see `BARS`. */
  bars: readonly number[]
}

export interface OpenOptions {
  count: number
  channels: readonly string[]
  cursor: string
  /** Of an instance on this machine. */
  port: string | undefined
}

const BATCH = 100

/** Many streams, bursts of numbered events, and a ledger over all of them. */
export class LabSession {
  readonly #addresses: () => Addresses
  /** The lab of each page has a channel of its own. */
  readonly channel = `lab.${randomId().slice(0, 8)}`
  readonly #publications = new Publications()
  #histogram = new Histogram()
  #bars = BARS.map(() => 0)
  #streams: LabStream[] = []
  #next = 0

  constructor(addresses: () => Addresses) {
    this.#addresses = addresses
  }

  /** Opens streams, as many as fit; answers how many that are. */
  open({ count, channels, cursor, port }: OpenOptions): number {
    const addresses = this.#addresses()
    const fitting = Math.min(count, addresses.limit - this.#streams.length)
    for (let opened = 0; opened < fitting; opened++) {
      const number = this.#next++
      this.#streams.push(
        new LabStream({
          number,
          url: addresses.of(number % addresses.limit, port),
          channels,
          cursor,
          publications: this.#publications,
          onLatency: (ms) => this.#record(ms),
        }),
      )
    }
    return Math.max(0, fitting)
  }

  closeAll(): void {
    for (const stream of this.#streams) stream.close()
    this.#streams = []
    this.#next = 0
  }

  /** @param share of the streams, chosen at random. Defaults to all */
  each(action: (stream: LabStream) => void, share = 1): void {
    for (const stream of this.#streams) if (Math.random() < share) action(stream)
  }

  /** Publishes events on the lab's channel, in batches; what has no answer is sent again, with its key. */
  async burst(count: number): Promise<void> {
    for (let left = count; left > 0; left -= BATCH) {
      const numbers = Array.from({ length: Math.min(BATCH, left) }, () => this.#publications.next())
      const positions = await this.#publish(numbers)
      for (const [index, n] of numbers.entries()) this.#publications.acknowledge(n, positions[index] ?? 0)
    }
  }

  async #publish(numbers: readonly number[]): Promise<number[]> {
    const key = randomId()
    for (;;) {
      const at = Date.now()
      const events = numbers.map((n) => ({ channel: this.channel, type: 'lab.numbered', data: { n, at } }))
      const response = await fetch('/events', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(events),
      }).catch(() => undefined)
      if (response?.ok) return ((await response.json()) as { positions: number[] }).positions
      if (response && response.status < 500) throw new Error(`The server refuses to publish (${response.status}).`)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }

  figures(): Figures {
    const streams = this.#streams.map(
      ({ number, state, instance, channels, ledger, received, lag, reconnects, gaps }) => ({
        number,
        state,
        instance,
        channels: channels.join(', '),
        position: ledger.lastPosition ?? 0,
        received,
        lag,
        missing: ledger.overdue(this.#publications),
        doubled: ledger.doubled,
        reordered: ledger.reordered,
        reconnects,
        gaps,
      }),
    )
    const total = (member: 'missing' | 'doubled' | 'reordered') => streams.reduce((sum, one) => sum + one[member], 0)
    const missing = total('missing')
    return {
      streams,
      sent: this.#publications.sent,
      acknowledged: this.#publications.acknowledged,
      delivered: this.#streams.reduce((sum, { ledger }) => sum + ledger.delivered, 0),
      outstanding: this.#streams.reduce((sum, { ledger }) => sum + ledger.missing(this.#publications), 0) - missing,
      missing,
      doubled: total('doubled'),
      reordered: total('reordered'),
      p50: this.#histogram.percentile(0.5),
      p99: this.#histogram.percentile(0.99),
      bars: [...this.#bars],
    }
  }

  forgetLatencies(): void {
    this.#histogram = new Histogram()
    this.#bars = BARS.map(() => 0)
  }

  #record(ms: number): void {
    this.#histogram.record(ms)
    const bar = BARS.findIndex((end) => ms < end)
    this.#bars[bar] = (this.#bars[bar] ?? 0) + 1
  }
}
