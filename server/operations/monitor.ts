import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import type { Database } from '../platform/pool.ts'
import { SECOND } from '../platform/time.ts'
import type { Check } from './health.ts'

/** What a {@link Monitor} needs. */
export interface MonitorOptions {
  database: Database
  /** Number of migrations that this program knows. */
  migrations: number
  logger: Logger
  /** Milliseconds between two readings. Defaults to `10_000`. */
  interval?: number
}

/** What only Postgres knows of its queues and of the schema. */
export interface Readings {
  /** Fraction of Postgres's notification queue in use, 0 to 1; at 1 every NOTIFY fails. */
  notificationQueueUsage: number
  /** Seconds that the oldest committed event has waited in the outbox. */
  outboxAge: number
  /** Number of migrations that the database has. */
  migrations: number
}

/** Above this, an idle session that listens is probably blocking the queue. */
const MAX_QUEUE_USAGE = 0.5
/** Seconds. */
const MAX_OUTBOX_AGE = 10

/** Takes readings periodically, for metrics and readiness, and warns when a limit is passed. */
export class Monitor {
  readonly #options: MonitorOptions
  readonly #loop: Loop
  /** The last readings; before the first, those of an empty database. */
  readings: Readings

  constructor(options: MonitorOptions) {
    this.#options = options
    // The start has applied or checked the migrations.
    this.readings = { notificationQueueUsage: 0, outboxAge: 0, migrations: options.migrations }
    this.#loop = new Loop({
      interval: options.interval ?? 10 * SECOND,
      work: () => this.#read(),
      // While Postgres is unreachable the feed logs it.
      onError: () => {},
    })
  }

  start(): void {
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** The state of what was read, for readiness. */
  checks(): Record<'migrations' | 'outbox' | 'notifications', Check> {
    const { notificationQueueUsage: usage, outboxAge, migrations } = this.readings
    return {
      migrations:
        migrations >= this.#options.migrations
          ? { status: 'ok' }
          : { status: 'failed', detail: `the database has ${migrations} of ${this.#options.migrations} migrations` },
      outbox:
        outboxAge <= MAX_OUTBOX_AGE
          ? { status: 'ok' }
          : { status: 'degraded', detail: `an event has been waiting in sse.outbox for ${Math.round(outboxAge)} s` },
      notifications:
        usage <= MAX_QUEUE_USAGE
          ? { status: 'ok' }
          : {
              status: 'degraded',
              detail: `Postgres's notification queue is ${Math.round(usage * 100)} % full: a session that listens is idle in a transaction`,
            },
    }
  }

  async #read(): Promise<void> {
    const before = this.checks()
    const [row] = await this.#options.database.query(
      (sql) => sql<Readings[]>`
        select pg_notification_queue_usage() as "notificationQueueUsage",
               coalesce((
                 select extract(epoch from clock_timestamp() - created_at) from sse.outbox order by id limit 1
               ), 0)::float as "outboxAge",
               (select count(*)::int from sse.migration) as migrations`,
    )
    if (row) this.readings = row
    for (const [name, check] of Object.entries(this.checks())) {
      const hasChanged = check.status !== before[name as keyof typeof before].status
      if (hasChanged && check.status !== 'ok') this.#options.logger.warn(check.detail)
    }
  }
}
