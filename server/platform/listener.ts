import { connectDatabase, type DatabaseAddress, type Sql } from './database.ts'
import { messageOf } from './errors.ts'
import type { Logger } from './logger.ts'
import { Loop } from './loop.ts'
import type { Database } from './pool.ts'
import { SECOND, withTimeout } from './time.ts'

/** What a {@link Listener} listens to. */
export interface ListenerOptions {
  /** Address on which LISTEN works: not that of a pooler in transaction mode. */
  address: DatabaseAddress
  /** Sends the notifications that prove the registration. */
  database: Database
  /** Receive the payloads of notifications, by channel. */
  handlers: Record<string, (payload: string) => void>
  /** Called after each registration: notifications may have been missed before it. */
  onListening: () => void
  logger: Logger
  /** Milliseconds between two proofs. Defaults to `10_000`. */
  proofInterval?: number
  /** Milliseconds until a proof counts as failed. Defaults to `3_000`. */
  proofTimeout?: number
}

const FIRST_RETRY_INTERVAL = SECOND / 4
const MAX_RETRY_INTERVAL = 5 * SECOND

/**
 * A LISTEN registration that is proved periodically: a notification to itself must arrive in time. An open socket proves
 * nothing: a pooler may have given the backend to another client, and a half-open connection never fails. When a proof
 * fails, the connection is replaced.
 */
export class Listener {
  readonly #options: ListenerOptions
  readonly #proofChannel = `sse_proof_${crypto.randomUUID().replaceAll('-', '')}`
  readonly #loop: Loop
  #connection: Sql | undefined
  #isListening = false
  #problem = 'not connected yet'
  #failures = 0
  #onProof: ((payload: string) => void) | undefined

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#loop = new Loop({
      interval: options.proofInterval ?? 10 * SECOND,
      work: () => this.#prove(),
      onError: (error) => options.logger.error({ err: error }, 'the listener failed'),
    })
  }

  /** Whether the last proof arrived in time. */
  get isListening(): boolean {
    return this.#isListening
  }

  /** Why it is not listening; the last reason while it is. */
  get problem(): string {
    return this.#problem
  }

  start(): void {
    this.#loop.start()
  }

  async stop(): Promise<void> {
    // Ends the wait for a proof.
    this.#onProof?.('')
    await this.#loop.stop()
    await this.#disconnect()
  }

  async #prove(): Promise<void> {
    try {
      this.#connection ??= await this.#connect()
      await this.#awaitProof()
      if (!this.#isListening) this.#options.logger.info('listening for notifications')
      this.#isListening = true
      this.#failures = 0
    } catch (error) {
      await this.#disconnect()
      const problem = messageOf(error)
      if (this.#isListening || problem !== this.#problem) {
        this.#options.logger.warn({ problem }, 'not listening for notifications; polling the log')
      }
      this.#isListening = false
      this.#problem = problem
      // Before the next proof is due: until then, events arrive at the poll interval. With a back-off, because where
      // LISTEN can't work (behind a pooler) each attempt leaves a registration behind.
      const wait = Math.min(MAX_RETRY_INTERVAL, FIRST_RETRY_INTERVAL * 2 ** this.#failures++)
      setTimeout(() => this.#loop.wake(), wait).unref()
    }
  }

  async #connect(): Promise<Sql> {
    const connection = connectDatabase(this.#options.address, { max: 1, name: 'sse-update listen' })
    const channels = { ...this.#options.handlers, [this.#proofChannel]: (payload: string) => this.#onProof?.(payload) }
    try {
      for (const [channel, handler] of Object.entries(channels)) {
        const onListening = channel === this.#proofChannel ? this.#options.onListening : undefined
        await withTimeout(
          connection.listen(channel, handler, onListening),
          this.#proofTimeout,
          () => new Error('LISTEN got no response'),
        )
      }
      return connection
    } catch (error) {
      void connection.end({ timeout: 0 })
      throw error
    }
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.end({ timeout: 0 })
  }

  async #awaitProof(): Promise<void> {
    const token = crypto.randomUUID()
    const proof = new Promise<void>((resolve) => {
      this.#onProof = (payload) => {
        if (payload === token || payload === '') resolve()
      }
    })
    await this.#options.database.query((sql) => sql`select pg_notify(${this.#proofChannel}, ${token})`)
    await withTimeout(
      proof,
      this.#proofTimeout,
      () =>
        new Error(
          'a notification to itself did not arrive; LISTEN needs a direct connection (DATABASE_LISTEN_URL), not a pooler in transaction mode',
        ),
    )
  }

  get #proofTimeout(): number {
    return this.#options.proofTimeout ?? 3 * SECOND
  }
}
