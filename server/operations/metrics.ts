import { Elysia } from 'elysia'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Feed } from '../fanout/feed.ts'
import type { Hub } from '../fanout/hub.ts'
import type { RecentEvents } from '../fanout/recent-events.ts'
import type { BodyBudget } from '../http/body-budget.ts'
import { detail } from '../http/describe-route.ts'
import { otherMethods } from '../http/problem.ts'
import type { Admission } from '../log/admission.ts'
import type { LostEvents } from '../log/lost-events.ts'
import type { Publisher } from '../log/publisher.ts'
import type { Listener } from '../platform/listener.ts'
import type { Monitor } from './monitor.ts'

/** Whom the metrics ask. */
export interface MetricSources {
  hub: Hub
  feed: Feed
  recent: RecentEvents
  publisher: Publisher
  admission: Admission
  bodies: BodyBudget
  listener: Listener
  lost: LostEvents
  monitor: Monitor
  /** Anything that runs tasks. */
  worker: { readonly running: number }
}

/** `/metrics`, in Prometheus's text format: the parts are asked when somebody reads it. */
export const metricsRoutes = (sources: MetricSources) => {
  const registry = createRegistry(sources)
  return new Elysia({ name: 'metrics', tags: ['operations'] })
    .get(
      '/metrics',
      async () => new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } }),
      {
        detail: detail({
          summary: 'Metrics, in the text format of Prometheus',
          operation: {
            responses: {
              200: {
                description: 'The metrics.',
                content: { 'text/plain': { example: 'sse_update_connections 3\n' } },
              },
            },
          },
        }),
      },
    )
    .use(otherMethods({ '/metrics': 'GET' }))
}

function createRegistry({
  hub,
  feed,
  recent,
  publisher,
  admission,
  bodies,
  listener,
  lost,
  monitor,
  worker,
}: MetricSources): Registry {
  const registry = new Registry()
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `sse_update_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name: `sse_update_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })

  gauge('connections', 'Streams that are open', () => hub.connectionCount)
  counter('connections_opened_total', 'Streams opened', () => hub.opened)
  new Counter({
    name: 'sse_update_connections_closed_total',
    help: 'Streams closed, by reason',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [reason, count] of Object.entries(hub.closed)) this.inc({ reason }, count)
    },
  })
  gauge('subscription_index_size', 'Tokens and patterns of all streams', () => hub.indexSize)
  gauge('subscription_index_limit', 'Tokens and patterns above which streams are sent away', () => hub.maxIndexSize)
  gauge('position', 'Position of the newest event that this instance has read', () => feed.position)
  gauge('log_reachable', '1 while the log in Postgres can be read', () => Number(feed.problem === undefined))
  counter('lost_events_total', 'Events that were found missing from the log', () => lost.total)
  gauge('listening', '1 while notifications arrive', () => Number(listener.isListening))
  gauge('window_bytes', 'Memory of the newest events', () => recent.bytes)
  gauge('window_events', 'Newest events in memory', () => recent.head - recent.tail)
  counter('published_events_total', 'Events published over HTTP', () => publisher.published)
  gauge('pending_publishes', 'Publish requests that wait for Postgres', () => admission.requests)
  gauge('open_bodies', 'Request bodies that are being read', () => bodies.count)
  gauge('open_body_bytes', 'Bytes in memory of request bodies that are being read', () => bodies.bytes)
  new Counter({
    name: 'sse_update_bodies_refused_total',
    help: 'Request bodies refused, by reason',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [reason, count] of Object.entries(bodies.refused)) this.inc({ reason }, count)
    },
  })
  gauge('outbox_age_seconds', 'How long the oldest event has waited in the outbox', () => monitor.readings.outboxAge)
  gauge(
    'notification_queue_usage',
    "Fraction of Postgres's notification queue in use",
    () => monitor.readings.notificationQueueUsage,
  )
  gauge('tasks_running', 'Tasks that this instance runs', () => worker.running)
  gauge('resident_memory_bytes', 'Resident memory of the process', () => process.memoryUsage.rss())
  return registry
}
