import { connectDatabase, type DatabaseAddress, type Sql } from './database.ts'
import { codeOf } from './errors.ts'
import type { Logger } from './logger.ts'
import { withTimeout } from './time.ts'

/** Something that runs queries. */
export interface Database {
  query<T>(run: (sql: Sql) => PromiseLike<T>): Promise<T>
}

export interface PoolOptions {
  address: DatabaseAddress
  /** Most connections. */
  max: number
  /** Milliseconds after which a query without an answer counts as lost, and every connection with it. */
  timeout: number
  logger: Logger
}

/** A query had no answer in time: whether it had an effect is not known. */
class QueryTimeoutError extends Error {
  override name = 'QueryTimeoutError'
  readonly code = 'QUERY_TIMEOUT'
}

/**
 * A prepared statement is not there, or is there already: a pooler gave the connection to another backend. Postgres says
 * so before it executes anything, so the query may be run again.
 */
const PREPARED_STATEMENT_ERRORS: ReadonlySet<string> = new Set(['26000', '42P05'])

/**
 * A pool of connections that is thrown away as a whole when a query gets no answer in time: on a half-open socket a
 * query would wait for ever, and where there is one there are more. For short queries.
 *
 * Behind a pooler that can't keep prepared statements apart (pgbouncer in transaction mode, before 1.21) it goes on
 * without them.
 */
export class Pool implements Database {
  readonly #options: PoolOptions
  #sql: Sql
  #isPrepared = true
  #underWay = 0
  readonly #queue: (() => void)[] = []

  constructor(options: PoolOptions) {
    this.#options = options
    this.#sql = this.#connect()
  }

  async query<T>(run: (sql: Sql) => PromiseLike<T>): Promise<T> {
    await this.#turn()
    const sql = this.#sql
    try {
      return await this.#answer(run(sql))
    } catch (error) {
      const code = codeOf(error) ?? ''
      if (code === 'QUERY_TIMEOUT') this.#replace(sql, 'Postgres does not answer; connecting anew')
      const isRunAgain = PREPARED_STATEMENT_ERRORS.has(code) && this.#mayUnprepare(sql)
      if (!isRunAgain) throw error
    } finally {
      this.#free()
    }
    return this.query(run)
  }

  /** Counted from here: how long others keep the connections busy says nothing of Postgres. */
  #answer<T>(query: PromiseLike<T>): Promise<T> {
    const { timeout } = this.#options
    return withTimeout(query, timeout, () => new QueryTimeoutError(`no answer from Postgres within ${timeout} ms`))
  }

  /** Resolves when fewer queries are under way than there are connections; first come, first served. */
  async #turn(): Promise<void> {
    if (this.#underWay < this.#options.max) this.#underWay++
    else await new Promise<void>((resolve) => this.#queue.push(resolve))
  }

  #free(): void {
    const next = this.#queue.shift()
    if (next) next()
    else this.#underWay--
  }

  /** Closes all connections, after at most `timeout` seconds for the queries under way. */
  async end({ timeout }: { timeout: number }): Promise<void> {
    await this.#sql.end({ timeout })
  }

  #connect(): Sql {
    const { address, max } = this.#options
    return connectDatabase(address, { max, prepare: this.#isPrepared })
  }

  #mayUnprepare(sql: Sql): boolean {
    if (this.#isPrepared) {
      this.#isPrepared = false
      this.#replace(
        sql,
        'the database is behind a pooler that does not keep prepared statements; going on without them',
      )
      return true
    }
    // Another query was quicker to find out.
    return sql !== this.#sql
  }

  #replace(failed: Sql, reason: string): void {
    if (failed !== this.#sql) return
    this.#options.logger.warn(reason)
    this.#sql = this.#connect()
    void failed.end({ timeout: 0 })
  }
}
