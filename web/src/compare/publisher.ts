import type { Publications } from '../../../server/protocol/ledger.ts'
import { parseRetryAfter, verdictOf } from '../../../server/protocol/reconnect-policy.ts'
import { randomId } from '../sse/random-id.ts'
import { unexpectedStatus } from '../ui/messages.ts'

/** The data of the events that the page publishes. */
export interface NumberedData {
  /** Number of the event. */
  n: number
  /** `Date.now()` of the page when it was published. */
  at: number
}

/** Most events of one request: a burst arrives in several pieces, as from several publishers. */
const BATCH = 50
/** Milliseconds between two looks at what is due. */
const TICK = 100
/** Milliseconds between two attempts to publish the same events. */
const RETRY = 500
/** Seconds for which a steady rate is made up for, when the browser has let the page sleep. */
const LONGEST_SLEEP = 2

const UNREACHABLE = 'The server is unreachable. Publishing and all lanes go on by themselves when it is back.'

/** Why publishing does not work at the moment; `refused` is final. */
export interface Trouble {
  kind: 'unreachable' | 'limited' | 'refused'
  /** For people. */
  text: string
}

/** What to publish, and whom to tell. */
export interface PublisherOptions {
  channel: string
  publications: Publications
  /** The trouble begins, or is over. */
  onTrouble: (trouble: Trouble | undefined) => void
  /** Numbers were taken, or acknowledged. */
  onPublished: () => void
}

/**
 * Publishes numbered events, one request at a time: a steady rate, and bursts. A request without a response is sent again under
 * its idempotency key, so that each number is published once.
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #stop = new AbortController()
  #owed = 0
  #burst = 0
  #isBusy = false
  #last = performance.now()
  #timer: ReturnType<typeof setInterval>
  /** Events a second. */
  rate = 0

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#work(), TICK)
  }

  /** Events of bursts that are not published yet. */
  get left(): number {
    return this.#burst
  }

  /** Publishes as many events as fast as the server takes them. */
  burst(count: number): void {
    this.#burst += count
    void this.#work()
  }

  /** Publishes nothing more. */
  close(): void {
    clearInterval(this.#timer)
    this.#stop.abort()
  }

  async #work(): Promise<void> {
    const now = performance.now()
    const seconds = Math.min(LONGEST_SLEEP, (now - this.#last) / 1000)
    this.#last = now
    this.#owed = Math.min(this.#owed + this.rate * seconds, Math.max(1, this.rate * LONGEST_SLEEP))
    if (this.#isBusy) return
    this.#isBusy = true
    while (!this.#stop.signal.aborted && this.#burst + Math.floor(this.#owed) > 0) await this.#publishNext()
    this.#isBusy = false
  }

  async #publishNext(): Promise<void> {
    const fromBurst = Math.min(BATCH, this.#burst)
    const fromRate = Math.min(BATCH - fromBurst, Math.floor(this.#owed))
    this.#owed -= fromRate
    const { publications, onPublished } = this.#options
    const numbers = Array.from({ length: fromBurst + fromRate }, () => publications.next())
    onPublished()
    const positions = await this.#publish(numbers)
    for (const [index, n] of numbers.entries()) {
      const position = positions?.[index]
      if (position !== undefined) publications.acknowledge(n, position)
    }
    this.#burst -= fromBurst
    onPublished()
  }

  /** Resolves with the positions; with `undefined` when the server refuses for good, or publishing was stopped. */
  async #publish(numbers: readonly number[]): Promise<number[] | undefined> {
    const key = randomId()
    while (!this.#stop.signal.aborted) {
      const response = await this.#send(numbers, key)
      if (response?.ok) {
        this.#options.onTrouble(undefined)
        return ((await response.json()) as { positions: number[] }).positions
      }
      if (this.#stop.signal.aborted) return undefined
      const trouble = await troubleOf(response)
      this.#options.onTrouble(trouble)
      if (trouble.kind === 'refused') {
        this.close()
        return undefined
      }
      const retryAfter = parseRetryAfter(response?.headers.get('retry-after') ?? null, Date.now())
      await sleep(Math.max(RETRY, retryAfter ?? 0))
    }
    return undefined
  }

  #send(numbers: readonly number[], key: string): Promise<Response | undefined> {
    const at = Date.now()
    const events = numbers.map((n) => ({
      channel: this.#options.channel,
      type: 'compare.numbered',
      data: { n, at } satisfies NumberedData,
    }))
    return fetch('/events', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(events),
      signal: this.#stop.signal,
    }).catch(() => undefined)
  }
}

async function troubleOf(response: Response | undefined): Promise<Trouble> {
  if (!response || response.status >= 500) return { kind: 'unreachable', text: UNREACHABLE }
  const problem = (await response.json().catch(() => undefined)) as { detail?: string } | undefined
  const text = problem?.detail ?? unexpectedStatus(response.status)
  return { kind: verdictOf(response.status) === 'refused' ? 'refused' : 'limited', text }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
