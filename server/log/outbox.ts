import type { Sql } from '../platform/database.ts'
import type { Database } from '../platform/pool.ts'

/** Tables whose changes publish events in the transaction that makes them. */
export interface Outbox extends Database {
  /** A transaction whose events are on their way as soon as it has committed. */
  change<T>(work: (sql: Sql) => Promise<T>): Promise<T>
}

/** What an outbox needs. */
export interface OutboxOptions {
  database: Database
  /** Called after a transaction that has published: what moves the outbox need not wait for its next poll. */
  onPublished: () => void
}

/** How long a process that freezes between two statements holds its locks; other sessions are ended by `StuckTransactions`. */
const IDLE_TIMEOUT = '5s'
/** A wait for a row that takes longer ends with an error, before the query counts as lost. */
const LOCK_TIMEOUT = '4s'

/** Creates the outbox of an application's tables. */
export function createOutbox({ database, onPublished }: OutboxOptions): Outbox {
  return {
    query: (run) => database.query(run),
    async change(work) {
      const result = await database.query((sql) =>
        sql.begin(async (transaction) => {
          // Sent ahead of the rest, without a round trip of its own.
          const limits = transaction`
            select set_config('idle_in_transaction_session_timeout', ${IDLE_TIMEOUT}, true),
                   set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`.execute()
          const [worked] = await Promise.all([work(transaction as unknown as Sql), limits])
          return worked
        }),
      )
      onPublished()
      return result as Awaited<ReturnType<typeof work>>
    },
  }
}

/** An event that a transaction publishes. */
export interface OutgoingEvent {
  channel: string
  type: string
  data: unknown
  /** `X-Client-Id` of the page that caused it. */
  origin?: string | null
}

/** Publishes when the transaction commits. */
export async function publishEvent(sql: Sql, { channel, type, data, origin = null }: OutgoingEvent): Promise<void> {
  await sql`select sse.publish(${channel}, ${type}, ${JSON.stringify(data)}::text, origin => ${origin})`
}
