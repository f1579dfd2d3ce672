import { messageOf } from './errors.ts'
import type { Logger } from './logger.ts'
import { Loop } from './loop.ts'
import type { Database } from './pool.ts'
import { SECOND } from './time.ts'

/** What {@link StuckTransactions} needs. */
export interface StuckTransactionsOptions {
  database: Database
  logger: Logger
}

/** Milliseconds that Postgres may wait for a process in the middle of a statement. */
const GRACE_PERIOD = 5 * SECOND
const INTERVAL = 2 * SECOND

/**
 * Ends transactions of processes that froze in the middle of a statement while they hold locks. `postgres` sends a new
 * statement in two parts, and while Postgres reads one, none of its own timeouts applies
 * (`idle_in_transaction_session_timeout` begins when a statement has ended, `statement_timeout` is not checked).
 */
export class StuckTransactions {
  readonly #loop: Loop

  constructor({ database, logger }: StuckTransactionsOptions) {
    this.#loop = new Loop({
      interval: INTERVAL,
      async work() {
        const ended = await database.query(
          (sql) => sql`
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and usename = current_user and application_name like 'sse-update%'
              and backend_xid is not null and state = 'active' and wait_event in ('ClientRead', 'ClientWrite')
              and state_change < clock_timestamp() - make_interval(secs => ${GRACE_PERIOD / SECOND})`,
        )
        if (ended.length > 0) logger.warn({ count: ended.length }, 'ended transactions of a process that is frozen')
      },
      onError: (error) => logger.debug({ problem: messageOf(error) }, 'could not read which transactions are frozen'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
  }
}
