import { connectDatabase, type DatabaseAddress, type Sql } from './database.ts'
import { codeOf, messageOf } from './errors.ts'
import type { Logger } from './logger.ts'
import { SECOND, withTimeout } from './time.ts'

/** Anything that runs queries: a pool, or a transaction in tests. */
export interface Database {
  /**
   * Runs a statement or a transaction.
   *
   * @param signal when it aborts, a single statement is cancelled in Postgres, too; a transaction continues
   */
  query<T>(run: (sql: Sql) => PromiseLike<T>, signal?: AbortSignal): Promise<T>
}

/** What a {@link Pool} connects to, and its limits. */
export interface PoolOptions {
  address: DatabaseAddress
  /** Most connections. */
  max: number
  /** Milliseconds after which a query without a result counts as lost, and every connection with it. */
  timeout: number
  logger: Logger
}

/** A query had no result in time: whether it had an effect is not known. */
class QueryTimeoutError extends Error {
  override name = 'QueryTimeoutError'
  readonly code = 'QUERY_TIMEOUT'

  /** @param cancelled resolves when the request to cancel the query was sent, or could not be */
  constructor(
    message: string,
    readonly cancelled: Promise<void>,
  ) {
    super(message)
  }
}

/**
 * A prepared statement does not exist, or exists already: a pooler gave the connection to another backend. Postgres
 * reports it before it executes anything, so the query may be run again.
 */
const PREPARED_STATEMENT_ERRORS: ReadonlySet<string> = new Set(['26000', '42P05'])

/** pgbouncer's message for a startup parameter that it neither tracks nor ignores. */
const STARTUP_PARAMETER = /unsupported startup parameter/

/** Fraction of the timeout after which Postgres itself ends a statement, before the pool gives up waiting. */
const STATEMENT_TIMEOUT = 0.9

/**
 * A pool of connections, for short queries, that is replaced as a whole when a query gets no result in time: on a
 * half-open socket a query would wait forever, and where one socket is half-open the others are, too.
 *
 * **No statement outlives its caller**: Postgres ends it by itself a little before the timeout, and it is cancelled when
 * the caller's signal aborts.
 *
 * Behind a pooler that can't keep prepared statements apart (pgbouncer in transaction mode, before 1.21) it continues
 * without them. Where a pooler does not accept `statement_timeout` either, a query without a result in time is cancelled.
 */
export class Pool implements Database {
  readonly #options: PoolOptions
  #sql: Sql
  #isPrepared = true
  #hasStatementTimeout = true
  #underWay = 0
  readonly #queue: (() => void)[] = []

  constructor(options: PoolOptions) {
    this.#options = options
    this.#sql = this.#connect()
  }

  /** @throws the error of the query; `QUERY_TIMEOUT` as `code` when it had no result in time */
  async query<T>(run: (sql: Sql) => PromiseLike<T>, signal?: AbortSignal): Promise<T> {
    await this.#acquire(signal)
    const sql = this.#sql
    try {
      return await this.#resultOf(run(sql), signal)
    } catch (error) {
      const code = codeOf(error) ?? ''
      if (error instanceof QueryTimeoutError) {
        this.#replace(sql, 'Postgres does not respond; connecting again', error.cancelled)
      }
      const isRunAgain =
        (PREPARED_STATEMENT_ERRORS.has(code) && this.#mayUnprepare(sql)) ||
        (STARTUP_PARAMETER.test(messageOf(error)) && this.#mayForgoTimeout(sql))
      if (!isRunAgain) throw error
    } finally {
      this.#release()
    }
    return this.query(run, signal)
  }

  /** The timeout begins here: the time that a query waits for a connection says nothing about Postgres. */
  async #resultOf<T>(query: PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
    const { timeout } = this.#options
    let cancelling: Promise<void> | undefined
    const cancelQuery = () => {
      cancelling = cancel(query)
    }
    signal?.addEventListener('abort', cancelQuery, { once: true })
    try {
      return await withTimeout(
        query,
        timeout,
        () => new QueryTimeoutError(`no result from Postgres within ${timeout} ms`, cancel(query)),
      )
    } finally {
      signal?.removeEventListener('abort', cancelQuery)
      // The connection is not used before that: Postgres cancels whatever the connection is doing when the request arrives.
      await cancelling
    }
  }

  /** Resolves when fewer queries are under way than there are connections, in the order of the calls. */
  async #acquire(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#underWay < this.#options.max) {
      this.#underWay++
      return
    }
    const turn = Promise.withResolvers<void>()
    const leave = () => {
      const index = this.#queue.indexOf(turn.resolve)
      if (index >= 0) this.#queue.splice(index, 1)
      turn.reject(signal?.reason)
    }
    this.#queue.push(turn.resolve)
    signal?.addEventListener('abort', leave, { once: true })
    try {
      await turn.promise
    } finally {
      signal?.removeEventListener('abort', leave)
    }
  }

  #release(): void {
    const next = this.#queue.shift()
    if (next) next()
    else this.#underWay--
  }

  /** Closes all connections, after at most `timeout` seconds for the queries under way. */
  async end({ timeout }: { timeout: number }): Promise<void> {
    await this.#sql.end({ timeout })
  }

  #connect(): Sql {
    const { address, max, timeout } = this.#options
    const statementTimeout = this.#hasStatementTimeout ? Math.ceil(STATEMENT_TIMEOUT * timeout) : undefined
    return connectDatabase(address, { max, prepare: this.#isPrepared, statementTimeout })
  }

  #mayUnprepare(sql: Sql): boolean {
    if (this.#isPrepared) {
      this.#isPrepared = false
      this.#replace(
        sql,
        'the database is behind a pooler that does not keep prepared statements; continuing without them',
      )
      return true
    }
    // Another query has found out before.
    return sql !== this.#sql
  }

  #mayForgoTimeout(sql: Sql): boolean {
    if (this.#hasStatementTimeout) {
      this.#hasStatementTimeout = false
      this.#replace(
        sql,
        'the database is behind a pooler that does not accept statement_timeout; set it for the role (alter role … set statement_timeout)',
      )
      return true
    }
    // Another query has found out before.
    return sql !== this.#sql
  }

  /** @param until resolves when the connections may be closed: a pooler identifies a query to cancel by its connection */
  #replace(failed: Sql, reason: string, until = Promise.resolve()): void {
    if (failed !== this.#sql) return
    this.#options.logger.warn(reason)
    this.#sql = this.#connect()
    void until.then(() => failed.end({ timeout: 0 }))
  }
}

/** Milliseconds that a request to cancel may take. */
const CANCEL_TIMEOUT = SECOND

/**
 * Cancels a statement in Postgres; resolves when the request was sent. A transaction can't be cancelled this way.
 *
 * Not by `query.cancel()`, which drops the promise of its canceller: a request that fails would end the process.
 */
async function cancel(query: PromiseLike<unknown>): Promise<void> {
  const { canceller } = query as { canceller?: (query: unknown) => Promise<void> }
  const asked = Promise.resolve(canceller?.(query))
  await withTimeout(asked, CANCEL_TIMEOUT, () => new Error('Postgres was not reached')).catch(() => {})
}
