import {
  AggregatorRegistry,
  Counter,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client'
import { openByTransport, type Totals } from './totals.ts'

/** What is read at every scrape, from the parts that know it. */
export interface Gauges {
  /** Streams that are open. */
  connections: () => number
  indexSize: () => number
  indexLimit: () => number
  /** Position of the newest event that this instance has read. */
  position: () => number
  isLogReachable: () => boolean
  isListening: () => boolean
  windowBytes: () => number
  windowEvents: () => number
  pendingPublishes: () => number
  openBodies: () => number
  openBodyBytes: () => number
  /** Seconds. */
  outboxAge: () => number
  /** Between 0 and 1. */
  notificationQueueUsage: () => number
  tasksRunning: () => number
}

/** Metrics in the text format of Prometheus. */
export interface Renderer {
  /** Value of the `Content-Type` header. */
  readonly contentType: string
  /** Reads all gauges and totals. */
  render(): Promise<string>
}

/** All metrics with their present values, as JSON. */
export type Samples = MetricObjectWithValues<MetricValue<string>>[]

/** The metrics of one process. */
export interface Prometheus extends Renderer {
  /** Reads all gauges and totals, for a `render` together with those of other processes. */
  collect(): Promise<Samples>
}

/**
 * Exports totals and gauges under names that begin with `sse_update_`.
 *
 * @param totals counted since the process started
 * @param gauges called at every `render`
 * @param processNumber label `process` of all series, where several processes serve together. Defaults to none
 */
export function createPrometheus(totals: Totals, gauges: Gauges, processNumber?: number): Prometheus {
  const registry = new Registry()
  if (processNumber !== undefined) registry.setDefaultLabels({ process: String(processNumber) })
  addConnections(registry, totals, gauges)
  addLog(registry, totals, gauges)
  addPublishing(registry, totals, gauges)
  addGauge(registry, 'tasks_running', 'Tasks that this instance runs', gauges.tasksRunning)
  addGauge(registry, 'resident_memory_bytes', 'Resident memory of the process', () => process.memoryUsage.rss())
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    collect: () => registry.getMetricsAsJSON(),
  }
}

/**
 * The metrics of several processes as one text.
 *
 * @param processes samples of each, with different labels `process`
 * @param restarts processes that were started in place of one that had ended
 */
export function renderGroup(processes: Samples[], restarts: number): Promise<string> {
  const registry = AggregatorRegistry.aggregate(processes)
  const registers = [registry]
  new Gauge({ name: 'sse_update_processes', help: 'Processes that serve the port', registers }).set(processes.length)
  const help = 'Processes that were started in place of one that had ended'
  new Counter({ name: 'sse_update_process_restarts_total', help, registers }).inc(restarts)
  return registry.metrics()
}

function addConnections(registry: Registry, totals: Totals, gauges: Gauges): void {
  addGauge(registry, 'connections', 'Streams that are open', gauges.connections)
  addLabelledGauge(registry, 'connections_by_transport', 'Streams that are open, by transport', ['transport'], () =>
    Object.entries(openByTransport(totals)).map(([transport, count]) => [{ transport }, count]),
  )
  addLabelledCounter(registry, 'connections_opened_total', 'Streams opened, by transport', ['transport'], () =>
    Object.entries(totals.connections).map(([transport, { opened }]) => [{ transport }, opened]),
  )
  addLabelledCounter(
    registry,
    'connections_closed_total',
    'Streams closed, by transport and reason',
    ['transport', 'reason'],
    () =>
      Object.entries(totals.connections).flatMap(([transport, { closed }]) =>
        Object.entries(closed).map(([reason, count]): [Labels, number] => [{ transport, reason }, count]),
      ),
  )
  addCounter(registry, 'delivered_events_total', 'Events given to streams, once for each stream', () => {
    return totals.deliveredEvents
  })
  addCounter(registry, 'delivered_bytes_total', 'Bytes of events given to streams', () => totals.deliveredBytes)
  addGauge(registry, 'subscription_index_size', 'Tokens and patterns of all streams', gauges.indexSize)
  const limitHelp = 'Tokens and patterns above which streams are refused'
  addGauge(registry, 'subscription_index_limit', limitHelp, gauges.indexLimit)
}

function addLog(registry: Registry, totals: Totals, gauges: Gauges): void {
  const positionHelp = 'Position of the newest event that this instance has read'
  addGauge(registry, 'position', positionHelp, gauges.position)
  addGauge(registry, 'log_reachable', '1 while the log in Postgres can be read', () => Number(gauges.isLogReachable()))
  const lostHelp = 'Events that were found missing from the log'
  addCounter(registry, 'lost_events_total', lostHelp, () => totals.lostEvents)
  addGauge(registry, 'listening', '1 while notifications arrive', () => Number(gauges.isListening()))
  addGauge(registry, 'window_bytes', 'Memory of the newest events', gauges.windowBytes)
  addGauge(registry, 'window_events', 'Newest events in memory', gauges.windowEvents)
  const usageHelp = "Fraction of Postgres's notification queue in use"
  addGauge(registry, 'notification_queue_usage', usageHelp, gauges.notificationQueueUsage)
  const ageHelp = 'How long the oldest event has waited in the outbox'
  addGauge(registry, 'outbox_age_seconds', ageHelp, gauges.outboxAge)
}

function addPublishing(registry: Registry, totals: Totals, gauges: Gauges): void {
  addCounter(registry, 'published_events_total', 'Events published over HTTP', () => totals.publishedEvents)
  addGauge(registry, 'pending_publishes', 'Publish requests that wait for Postgres', gauges.pendingPublishes)
  addGauge(registry, 'open_bodies', 'Request bodies that are being read', gauges.openBodies)
  const bytesHelp = 'Bytes in memory of request bodies that are being read'
  addGauge(registry, 'open_body_bytes', bytesHelp, gauges.openBodyBytes)
  addLabelledCounter(registry, 'bodies_refused_total', 'Request bodies refused, by reason', ['reason'], () =>
    Object.entries(totals.refusedBodies).map(([reason, count]) => [{ reason }, count]),
  )
  const limitHelp = 'Streams, requests and pauses of new connections, by the limit that was reached'
  addLabelledCounter(registry, 'limits_reached_total', limitHelp, ['limit'], () =>
    Object.entries(totals.reachedLimits).map(([limit, count]) => [{ limit }, count]),
  )
}

type Labels = Record<string, string>

function addGauge(registry: Registry, name: string, help: string, read: () => number): void {
  addLabelledGauge(registry, name, help, [], () => [[{}, read()]])
}

function addLabelledGauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: () => [Labels, number][],
): void {
  new Gauge({
    name: `sse_update_${name}`,
    help,
    labelNames,
    registers: [registry],
    collect() {
      for (const [labels, value] of read()) this.set(labels, value)
    },
  })
}

function addCounter(registry: Registry, name: string, help: string, read: () => number): void {
  addLabelledCounter(registry, name, help, [], () => [[{}, read()]])
}

function addLabelledCounter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: () => [Labels, number][],
): void {
  new Counter({
    name: `sse_update_${name}`,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, count] of read()) this.inc(labels, count)
    },
  })
}
