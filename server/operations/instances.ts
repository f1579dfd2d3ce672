import { messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import type { Database } from '../platform/pool.ts'
import { SECOND } from '../platform/time.ts'
import type { ClusterView, InstanceStatus } from './cluster-schema.ts'

/** What {@link Instances} needs. */
export interface InstancesOptions {
  database: Database
  /** `INSTANCE_NAME`. */
  name: string
  version: string
  /** Read with each heartbeat. */
  status: () => Omit<InstanceStatus, 'lag'>
  settings: Pick<ClusterView['settings'], 'retentionMs' | 'retentionEvents' | 'lab'>
  logger: Logger
  /** Milliseconds between two heartbeats. Defaults to `2_000`. */
  interval?: number
}

/** Heartbeats that may be missed until an instance counts as stopped. */
const MISSED = 4

/**
 * The instances on one Postgres: each writes a heartbeat with its status to `sse.instances`, and can read those of all.
 * Rows of instances that were killed are deleted by the others.
 */
export class Instances {
  readonly id = crypto.randomUUID()
  readonly #options: InstancesOptions
  readonly #startedAt = new Date()
  readonly #loop: Loop
  #url = ''
  #urls: readonly string[] = []

  constructor(options: InstancesOptions) {
    this.#options = options
    this.#loop = new Loop({
      interval: this.#interval,
      work: () => this.#writeHeartbeat(),
      onError: (error) =>
        options.logger.debug({ problem: messageOf(error) }, 'the heartbeat of this instance could not be written'),
    })
  }

  /** @param url on which this instance listens, for the others and for the lab */
  start(url: string): void {
    this.#url = url
    this.#loop.start()
  }

  /** Removes this instance from the table; without Postgres, the others find out by its heartbeats. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    await this.#options.database.query((sql) => sql`delete from sse.instances where id = ${this.id}`).catch(() => {})
  }

  /** URLs of the instances, as of the last heartbeat of this one. */
  get urls(): readonly string[] {
    return this.#urls
  }

  /** Reads all instances and the state of Postgres. @throws the error of the query, `database.unavailable` to a client */
  async view(): Promise<ClusterView> {
    const { database, settings } = this.#options
    const [instances, [postgres]] = await Promise.all([
      database.query(
        (sql) => sql<(Omit<ClusterView['instances'][number], 'isSelf' | 'startedAt'> & { startedAt: Date })[]>`
          select id, name, version, url, started_at as "startedAt", status
          from sse.instances where seen_at > clock_timestamp() - make_interval(secs => ${this.#timeout / SECOND})
          order by started_at`,
      ),
      database.query(
        (sql) => sql<ClusterView['postgres'][]>`
        select current_setting('server_version') as version,
               (extract(epoch from clock_timestamp() - pg_postmaster_start_time()) * 1000)::float8 as "uptimeMs",
               (select count(*)::int from pg_stat_activity where datname = current_database()) as connections,
               current_setting('max_connections')::int as "maxConnections",
               pg_database_size(current_database()) as "databaseBytes",
               (select coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint from pg_inherits
                where inhparent = 'sse.log'::regclass) as "logBytes",
               (select count(*)::int from pg_inherits where inhparent = 'sse.log'::regclass) as partitions,
               (select count(*)::int from (select from sse.outbox limit 10000) o) as "outboxEvents",
               head.position as head,
               coalesce((select min(position) from sse.log), head.position + 1) as oldest,
               (select time from sse.log order by position limit 1)::text as "oldestTime"
        from sse.head`,
      ),
    ])
    return {
      instances: instances.map((instance) => ({
        ...instance,
        startedAt: instance.startedAt.toISOString(),
        isSelf: instance.id === this.id,
      })),
      postgres: postgres as ClusterView['postgres'],
      settings,
    }
  }

  get #interval(): number {
    return this.#options.interval ?? 2 * SECOND
  }

  get #timeout(): number {
    return MISSED * this.#interval
  }

  async #writeHeartbeat(): Promise<void> {
    const { database, name, version, status } = this.#options
    const own = status()
    await database.query(
      (sql) => sql`
        with gone as (
          delete from sse.instances where seen_at < clock_timestamp() - make_interval(secs => ${(10 * this.#timeout) / SECOND})
        )
        insert into sse.instances (id, name, version, url, started_at, seen_at, status)
        values (${this.id}, ${name}, ${version}, ${this.#url}, ${this.#startedAt}, clock_timestamp(),
                ${JSON.stringify(own)}::text::jsonb || jsonb_build_object(
                  'lag', greatest(0, (select position from sse.head) - ${own.position})))
        on conflict (id) do update set seen_at = excluded.seen_at, status = excluded.status`,
    )
    const instances = await database.query(
      (sql) => sql<{ url: string }[]>`
        select url from sse.instances where seen_at > clock_timestamp() - make_interval(secs => ${this.#timeout / SECOND})`,
    )
    this.#urls = instances.map(({ url }) => url)
  }
}
