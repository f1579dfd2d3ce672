import { Histogram } from '../../../server/protocol/histogram.ts'
import { Publications } from '../../../server/protocol/ledger.ts'
import { MAX_BATCH } from '../../../server/protocol/limits.ts'
import { randomId } from '../sse/random-id.ts'
import type { Addresses } from './addresses.ts'
import type { Figures } from './figures.ts'
import { BARS } from './figures.ts'
import { type LabData, LabStream } from './lab-stream.ts'

/** What streams to open. */
export interface OpenOptions {
  /** How many. */
  count: number
  /** Patterns of channels. */
  channels: readonly string[]
  /** Cursor to begin after: a cursor, a position, `earliest`, or empty for the head of the log. */
  cursor: string
  /** Port of an instance on this machine. Defaults to the page's own. */
  port: string | undefined
}

/** Events of one publish request. */
const BATCH = Math.min(100, MAX_BATCH)
/** Milliseconds between two attempts to publish. */
const PUBLISH_RETRY = 500

/** Many streams, bursts of numbered events, and a ledger over all of them. */
export class LabSession {
  readonly #addresses: () => Addresses
  readonly #random: () => number
  /** Channel of the numbered events: the lab of each page has its own. */
  readonly channel = `lab.${randomId().slice(0, 8)}`
  readonly #publications = new Publications()
  #histogram = new Histogram()
  #bars = BARS.map(() => 0)
  #streams: LabStream[] = []
  #next = 0

  /**
   * @param addresses returns where streams may be opened
   * @param random returns numbers from 0 to 1, which choose streams. Defaults to `Math.random`
   */
  constructor(addresses: () => Addresses, random: () => number = Math.random) {
    this.#addresses = addresses
    this.#random = random
  }

  /** Opens streams, as many as the limit of the browser leaves. Returns how many. */
  open({ count, channels, cursor, port }: OpenOptions): number {
    const addresses = this.#addresses()
    const fitting = Math.max(0, Math.min(count, addresses.limit - this.#streams.length))
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
    return fitting
  }

  /** Closes all streams; the next ones are numbered from 0 again. */
  closeAll(): void {
    for (const stream of this.#streams) stream.close()
    this.#streams = []
    this.#next = 0
  }

  /** Does something to streams. @param share of the streams, chosen at random. Defaults to all */
  each(action: (stream: LabStream) => void, share = 1): void {
    for (const stream of this.#streams) if (this.#random() < share) action(stream)
  }

  /**
   * Publishes numbered events on the lab's channel, in batches. A request without a response is sent again under its
   * idempotency key, so that each number is published once.
   *
   * @throws {Error} with a message for the user, when the server refuses
   */
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
      const events = numbers.map((n) => ({
        channel: this.channel,
        type: 'lab.numbered',
        data: { n, at } satisfies LabData,
      }))
      const response = await fetch('/events', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(events),
      }).catch(() => undefined)
      if (response?.ok) return ((await response.json()) as { positions: number[] }).positions
      if (response && response.status < 500) throw new Error(`The server refuses to publish (${response.status}).`)
      await new Promise((resolve) => setTimeout(resolve, PUBLISH_RETRY))
    }
  }

  /** The figures as they are now. */
  figures(): Figures {
    const streams = this.#streams.map((stream) => this.#figuresOf(stream))
    const total = (member: 'missing' | 'duplicated' | 'reordered') => streams.reduce((sum, one) => sum + one[member], 0)
    const missing = total('missing')
    const percentile = (fraction: number) =>
      this.#histogram.count > 0 ? this.#histogram.percentile(fraction) : undefined
    return {
      streams,
      sent: this.#publications.sent,
      acknowledged: this.#publications.acknowledged,
      delivered: this.#streams.reduce((sum, { ledger }) => sum + ledger.delivered, 0),
      outstanding: this.#streams.reduce((sum, { ledger }) => sum + ledger.missing(this.#publications), 0) - missing,
      missing,
      duplicated: total('duplicated'),
      reordered: total('reordered'),
      p50: percentile(0.5),
      p99: percentile(0.99),
      bars: [...this.#bars],
    }
  }

  #figuresOf({ number, state, instance, channels, ledger, received, lag, reconnects, gaps }: LabStream) {
    const { lastPosition, duplicated, reordered } = ledger
    const missing = ledger.overdue(this.#publications)
    const position = lastPosition === -1 ? undefined : lastPosition
    const names = channels.join(', ')
    return {
      number,
      state,
      instance,
      channels: names,
      position,
      received,
      lag,
      missing,
      duplicated,
      reordered,
      reconnects,
      gaps,
    }
  }

  /** Starts the latencies over. */
  resetLatencies(): void {
    this.#histogram = new Histogram()
    this.#bars = BARS.map(() => 0)
  }

  #record(ms: number): void {
    this.#histogram.record(ms)
    const bar = BARS.findIndex((end) => ms < end)
    this.#bars[bar] = (this.#bars[bar] ?? 0) + 1
  }
}
