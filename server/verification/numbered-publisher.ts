import { jittered, SECOND, sleep, withTimeout } from '../platform/time.ts'
import type { Publications } from '../protocol/ledger.ts'

/** What to publish, and how fast. */
export interface NumberedPublisherOptions {
  /** Instances, without a path. */
  urls: readonly string[]
  /** Further headers of each request. */
  headers: Record<string, string>
  /** Events a second. */
  rate: number
  /** Bytes of an event's data, at least. */
  size: number
  /** Whether each event has an idempotency key. Without one no request is repeated: an event is published once or not at all. */
  isKeyed: boolean
  /** The channel of a number. */
  channelOf: (n: number) => string
  /** Records what was sent and acknowledged. */
  publications: Publications
  /** Returns numbers from 0 (included) to 1 (excluded). */
  random: () => number
}

/** Milliseconds between two requests; each has the events that are due. */
const SEND_INTERVAL = 5
const MAX_BATCH = 100
/** Bytes of a request, about: below the least that servers accept by default (`MAX_REQUEST_BYTES`). */
const MAX_BATCH_BYTES = 2 ** 20
/** Milliseconds after which a request without a response is repeated: its keys make that safe. */
const REQUEST_TIMEOUT = 5 * SECOND
const RETRY_WAIT = SECOND / 10

/**
 * Publishes numbered events at a rate, each under an idempotency key of its own, and repeats every request, on any instance,
 * until it is acknowledged: whatever fails, each event is published once.
 */
export class NumberedPublisher {
  readonly #options: NumberedPublisherOptions
  readonly #run = crypto.randomUUID()
  readonly #padding: { x?: string }
  readonly #maxBatch: number
  readonly #sentAt: number[] = []
  readonly #pending = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #giveUp = new AbortController()
  #loop: Promise<void> | undefined
  /** Requests that failed and were repeated. */
  retries = 0
  /** The last reason why a request failed. */
  problem = ''

  constructor(options: NumberedPublisherOptions) {
    this.#options = options
    this.#padding = options.size > 0 ? { x: 'x'.repeat(options.size) } : {}
    this.#maxBatch = Math.max(1, Math.min(MAX_BATCH, Math.floor(MAX_BATCH_BYTES / Math.max(1, options.size))))
  }

  /** When a number was first sent, on the clock of `performance.now()`. */
  sentAt(n: number): number | undefined {
    return this.#sentAt[n]
  }

  /** Begins to publish. */
  start(): void {
    this.#loop ??= this.#sendWhatIsDue()
  }

  /** Sends nothing new. Resolves when everything is acknowledged, after `timeout` milliseconds at most. */
  async stop(timeout: number): Promise<void> {
    this.#stopping.abort()
    await this.#loop
    await withTimeout(Promise.all(this.#pending), timeout, () => new Error('not everything was acknowledged')).catch(
      () => {},
    )
    this.#giveUp.abort()
  }

  async #sendWhatIsDue(): Promise<void> {
    const { publications, rate } = this.#options
    const { signal } = this.#stopping
    const start = performance.now()
    const before = publications.sent
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - start) / SECOND) * rate) + before
      while (publications.sent < due) this.#send(Math.min(this.#maxBatch, due - publications.sent))
      await sleep(SEND_INTERVAL, signal)
    }
  }

  #send(count: number): void {
    const numbers = Array.from({ length: count }, () => this.#options.publications.next())
    for (const n of numbers) this.#sentAt[n] = performance.now()
    const request = this.#untilAcknowledged(numbers).finally(() => this.#pending.delete(request))
    this.#pending.add(request)
  }

  async #untilAcknowledged(numbers: readonly number[]): Promise<void> {
    const { urls, random, channelOf, publications, isKeyed } = this.#options
    const events = numbers.map((n) => ({
      channel: channelOf(n),
      type: 'verify',
      data: { n, ...this.#padding },
      ...(isKeyed && { key: `${this.#run}.${n}` }),
    }))
    while (!this.#giveUp.signal.aborted) {
      try {
        const positions = await this.#post(urls[Math.floor(random() * urls.length)] as string, events)
        for (const [index, n] of numbers.entries()) publications.acknowledge(n, positions[index] as number)
        return
      } catch (error) {
        this.retries++
        this.problem = (error as Error).message
        if (!isKeyed) return
        await sleep(jittered(RETRY_WAIT), this.#giveUp.signal)
      }
    }
  }

  async #post(url: string, events: readonly object[]): Promise<number[]> {
    const response = await fetch(`${url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.#options.headers },
      body: JSON.stringify(events),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT),
    })
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
    return ((await response.json()) as { positions: number[] }).positions
  }
}
