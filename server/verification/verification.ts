import { createRandom } from '../platform/random.ts'
import { SECOND } from '../platform/time.ts'
import { Histogram } from '../protocol/histogram.ts'
import { Publications } from '../protocol/ledger.ts'
import type { Transport } from '../protocol/transport.ts'
import { NumberedPublisher } from './numbered-publisher.ts'
import { Subscriber } from './subscriber.ts'

/** What a run publishes, and on how many streams it reads. */
export interface VerificationOptions {
  /** Instances of one deployment. */
  urls: readonly string[]
  /** Streams, spread over the instances. */
  connections: number
  /** How the streams are connected: each next one by the next of these. Defaults to `sse` alone. */
  transports?: readonly Transport[]
  /** Seconds that a request of long-polling waits. Defaults to `10`. */
  wait?: number
  /** Events published a second. */
  rate: number
  /** Channels that the events are spread over. Defaults to `4`. */
  channels?: number
  /** Bytes of an event's data, at least. Defaults to as few as it needs. */
  size?: number
  /** Further headers of every request, such as `authorization`. */
  headers?: Record<string, string>
  /** Returns the headers of a connection of the stream with this index, in place of `headers`. */
  streamHeaders?: (index: number) => Record<string, string>
  /** Milliseconds that streams may take to open, and at the end to receive what is left. Defaults to `60_000`. */
  timeout?: number
  /** Whether events have idempotency keys, under which they are repeated until they are acknowledged. Defaults to `true`. */
  isKeyed?: boolean
  /** Seed of all random choices. Defaults to a random one. */
  seed?: number
}

/** What was published, what was received, and what is wrong with it. */
export interface Report {
  seed: number
  /** `mixed` when there were several. */
  transport: Transport | 'mixed'
  published: number
  acknowledged: number
  delivered: number
  missing: number
  duplicated: number
  reordered: number
  /** Events of channels that a stream did not ask for. */
  foreign: number
  /** Events that were seen or acknowledged at two positions. */
  misplaced: number
  /** Gaps that the server announced. */
  gaps: number
  reconnects: number
  /** Publish requests that were tried again. */
  retries: number
  /** Bytes that the streams sent and received since the first event was sent, with heads and frames, without TLS and below. */
  traffic: number
  /** Milliseconds from the first event sent to the last receipt. */
  elapsed: number
  /** Milliseconds from the first sending of an event to a receipt. */
  latency: { p50: number; p99: number; max: number }
  /** Nothing of all that is wrong, no gap, and everything acknowledged. */
  isClean: boolean
}

/** Milliseconds between two checks of all streams for silence. */
const TICK = SECOND / 10
/** Milliseconds between two checks of a condition: counting what is missing takes a while. */
const INTERVAL = SECOND / 20

/**
 * Publishes numbered events on channels of its own, reads them on many streams across all instances, and keeps a ledger
 * for each. The caller causes faults between `start` and `finish`.
 */
export class Verification {
  readonly seed: number
  readonly #choose: () => number
  readonly publications = new Publications()
  readonly subscribers: readonly Subscriber[]
  readonly publisher: NumberedPublisher
  readonly #latency = new Histogram()

  readonly #aside = new Set<Subscriber>()
  readonly #ticker: Timer
  readonly #timeout: number
  readonly #isKeyed: boolean
  readonly #transports: readonly Transport[]
  #trafficBefore = 0
  #startedAt = 0
  #lastReceipt = 0

  constructor({
    urls,
    connections,
    transports = ['sse'],
    wait,
    rate,
    channels = 4,
    size = 0,
    headers = {},
    streamHeaders = () => headers,
    timeout = 60 * SECOND,
    isKeyed = true,
    seed = Math.floor(Math.random() * 2 ** 31),
  }: VerificationOptions) {
    this.seed = seed
    this.#isKeyed = isKeyed
    this.#transports = transports
    this.#timeout = timeout
    // A generator of its own: timing decides when publishers and subscribers use theirs.
    this.#choose = createRandom(seed)
    const random = createRandom(seed + 1)
    const root = `verify.${crypto.randomUUID()}`
    const channelOf = (n: number) => `${root}.${n % channels}`
    this.publisher = new NumberedPublisher({
      urls,
      headers,
      rate,
      size,
      channelOf,
      publications: this.publications,
      isKeyed,
      random,
    })
    const onEvent = (n: number, position: number) => {
      this.publications.place(n, position)
      const sentAt = this.publisher.sentAt(n)
      this.#lastReceipt = performance.now()
      if (sentAt !== undefined) this.#latency.record(this.#lastReceipt - sentAt)
    }
    this.subscribers = Array.from({ length: connections }, (_, index) => {
      // Half of them follow all channels by a pattern, the others one each.
      const own = index % (2 * channels)
      const isOne = own < channels
      return new Subscriber({
        urls,
        transport: transports[index % transports.length] as Transport,
        ...(wait !== undefined && { wait }),
        headers: () => streamHeaders(index),
        channels: [isOne ? `${root}.${own}` : `${root}.*`],
        wants: (n) => !isOne || n % channels === own,
        random,
        onEvent,
      })
    })
    this.#ticker = setInterval(() => {
      const now = performance.now()
      for (const subscriber of this.subscribers) subscriber.tick(now)
    }, TICK)
  }

  /** How often streams have reconnected so far. */
  get reconnects(): number {
    return this.#sum(({ reconnects }) => Math.max(0, reconnects))
  }

  /**
   * Resolves when all streams are open and publishing has begun.
   *
   * @throws {Error} when they do not open
   */
  async start(): Promise<void> {
    const refusal = () => this.subscribers.find(({ problem }) => /^status 4/.test(problem))
    await until(() => this.subscribers.every(({ isReady }) => isReady) || refusal() !== undefined, this.#timeout)
    const closed = this.subscribers.filter(({ isReady }) => !isReady)
    if (closed.length > 0) {
      // Before they are stopped: that closes connections which are being made again.
      const problem = (refusal() ?? closed[0])?.problem || 'no response'
      this.#stopAll()
      const open = this.subscribers.length - closed.length
      throw new Error(`${open} of ${this.subscribers.length} streams opened (${problem})`)
    }
    this.#startedAt = performance.now()
    this.#trafficBefore = this.#traffic
    this.publisher.start()
  }

  /** Chooses subscribers at random; one may be chosen twice. */
  pick(count: number): Subscriber[] {
    return Array.from(
      { length: count },
      () => this.subscribers[Math.floor(this.#choose() * this.subscribers.length)] as Subscriber,
    )
  }

  /** Leaves subscribers out of the report, because they are not meant to receive everything. */
  setAside(subscribers: Iterable<Subscriber>): void {
    for (const subscriber of subscribers) this.#aside.add(subscriber)
  }

  /** Events that arrived, over all streams. */
  get delivered(): number {
    return this.#sum(({ ledger }) => ledger.delivered)
  }

  /** Resolves when so many events have arrived over all streams, or after the timeout. */
  untilDelivered(count: number): Promise<void> {
    return until(() => this.delivered >= count, this.#timeout)
  }

  /** Ends publishing, lets every stream come to the end, and reports. */
  async finish(): Promise<Report> {
    for (const subscriber of this.#readers()) subscriber.resume()
    await this.publisher.stop(this.#timeout)
    await until(() => this.#missing() === 0, this.#timeout)
    const report = this.report()
    this.#stopAll()
    return report
  }

  /** Ends publishing and every stream at once, whatever has arrived. */
  async stop(): Promise<void> {
    this.#stopAll()
    await this.publisher.stop(0)
  }

  /** As of now; `missing` counts what is still on its way, too. */
  report(): Report {
    const wrong = {
      missing: this.#missing(),
      duplicated: this.#sum(({ ledger }) => ledger.duplicated),
      reordered: this.#sum(({ ledger }) => ledger.reordered),
      foreign: this.#sum(({ ledger }) => ledger.foreign),
      misplaced: this.publications.misplaced,
      gaps: this.#sum(({ gaps }) => gaps),
    }
    const { sent, acknowledged } = this.publications
    return {
      seed: this.seed,
      transport: this.#transports.length === 1 ? (this.#transports[0] as Transport) : 'mixed',
      published: sent,
      acknowledged,
      delivered: this.delivered,
      ...wrong,
      reconnects: this.reconnects,
      retries: this.publisher.retries,
      traffic: this.#traffic - this.#trafficBefore,
      elapsed: this.#lastReceipt - this.#startedAt,
      latency: { p50: this.#latency.percentile(0.5), p99: this.#latency.percentile(0.99), max: this.#latency.max },
      isClean: Object.values(wrong).every((count) => count === 0) && (acknowledged === sent || !this.#isKeyed),
    }
  }

  get #traffic(): number {
    return this.#sum(({ traffic }) => traffic)
  }

  #readers(): Subscriber[] {
    return this.subscribers.filter((subscriber) => !this.#aside.has(subscriber))
  }

  #missing(): number {
    return this.#sum(({ ledger }) => ledger.missing(this.publications))
  }

  #sum(of: (subscriber: Subscriber) => number): number {
    return this.#readers().reduce((total, subscriber) => total + of(subscriber), 0)
  }

  #stopAll(): void {
    clearInterval(this.#ticker)
    for (const subscriber of this.subscribers) subscriber.stop()
  }
}

/** Resolves when the condition holds, or after `timeout` milliseconds: what is missing then shows in the report. */
async function until(condition: () => boolean, timeout: number): Promise<void> {
  const deadline = performance.now() + timeout
  while (!condition() && performance.now() < deadline) await Bun.sleep(INTERVAL)
}
