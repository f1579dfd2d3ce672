import type { Feed } from '../fanout/feed.ts'
import type { Hub } from '../fanout/hub.ts'
import type { RecentEvents } from '../fanout/recent-events.ts'
import type { BodyBudget } from '../http/body-budget.ts'
import type { Admission } from '../log/admission.ts'
import type { LostEvents } from '../log/lost-events.ts'
import type { Publisher } from '../log/publisher.ts'
import type { Relay } from '../log/relay.ts'
import type { Config } from '../platform/config.ts'
import type { Listener } from '../platform/listener.ts'
import type { Logger } from '../platform/logger.ts'
import type { Database } from '../platform/pool.ts'
import { SECOND } from '../platform/time.ts'
import { createPrometheus, type Gauges, type Prometheus } from '../telemetry/prometheus.ts'
import { openByTransport, type Totals } from '../telemetry/totals.ts'
import { createChecks } from './checks.ts'
import type { Faults } from './cluster-routes.ts'
import type { Checks } from './health.ts'
import { Instances } from './instances.ts'
import { killListeners } from './lab.ts'
import { Monitor } from './monitor.ts'

/** The parts of an instance that are observed. */
export interface Observed {
  hub: Hub
  feed: Feed
  recent: RecentEvents
  relay: Relay
  listener: Listener
  publisher: Publisher
  admission: Admission
  lost: LostEvents
  bodies: BodyBudget
  /** Counted by the telemetry of all parts. */
  totals: Totals
  tasks: {
    /** Tasks that this instance runs. */
    running(): number
    /** Why the queue of tasks could not be read last time; `undefined` while it can. */
    problem(): string | undefined
  }
}

/** What {@link createOperations} needs. */
export interface OperationsOptions {
  observed: Observed
  /** For readings and for the table of instances. */
  database: Database
  config: Pick<Config, 'instanceName' | 'pollIntervalMs' | 'drainMs' | 'retention' | 'retentionEvents'>
  version: string
  /** Number of migrations that this program knows. */
  migrations: number
  /** Whether the lab may cause faults. */
  isLab: boolean
  isDraining: () => boolean
  logger: Logger
  /** Label of its metrics where several processes serve a port together. Defaults to none. */
  processNumber?: number | undefined
}

/** What an instance reports about itself, and what its operator can do to it. */
export interface Operations {
  monitor: Monitor
  instances: Instances
  /** What readiness depends on. */
  checks: () => Checks
  /** Totals and gauges of all parts. */
  metrics: Prometheus
  /** `undefined` where faults are not allowed. */
  faults: Faults | undefined
}

/** Puts together what observes the parts of an instance. `monitor` and `instances` are to be started. */
export function createOperations(options: OperationsOptions): Operations {
  const { observed, database, config, isLab, isDraining, logger } = options
  const monitor = new Monitor({
    database,
    migrations: options.migrations,
    logger: logger.child({ part: 'monitor' }),
  })
  const checks = createChecks({
    ...observed,
    monitor,
    queueProblem: observed.tasks.problem,
    isDraining,
    pollInterval: config.pollIntervalMs,
  })
  return {
    monitor,
    instances: createInstances(options),
    checks,
    metrics: createPrometheus(observed.totals, gaugesOf(observed, monitor), options.processNumber),
    faults: isLab ? createFaults(observed.hub, database, config.drainMs) : undefined,
  }
}

/** Milliseconds after its last move for which an instance counts as the one that relays. */
const RELAYING = 5 * SECOND

function createInstances({
  observed,
  database,
  config,
  version,
  isLab,
  isDraining,
  logger,
}: OperationsOptions): Instances {
  const { hub, feed, listener, relay, totals, tasks } = observed
  return new Instances({
    database,
    name: config.instanceName,
    version,
    status: () => ({
      connections: hub.connectionCount,
      transports: openByTransport(totals),
      position: feed.position,
      isListening: listener.isListening,
      isDraining: isDraining(),
      relayed: relay.moved,
      relaying: relay.idle < RELAYING,
      published: totals.publishedEvents,
      tasksRunning: tasks.running(),
      memoryBytes: process.memoryUsage.rss(),
    }),
    settings: { retentionMs: config.retention, retentionEvents: config.retentionEvents, lab: isLab },
    logger: logger.child({ part: 'instances' }),
  })
}

const gaugesOf = ({ hub, feed, recent, listener, admission, bodies, tasks }: Observed, monitor: Monitor): Gauges => ({
  connections: () => hub.connectionCount,
  indexSize: () => hub.indexSize,
  indexLimit: () => hub.maxIndexSize,
  position: () => feed.position,
  isLogReachable: () => feed.problem === undefined,
  isListening: () => listener.isListening,
  windowBytes: () => recent.bytes,
  windowEvents: () => recent.head - recent.tail,
  pendingPublishes: () => admission.requests,
  openBodies: () => bodies.count,
  openBodyBytes: () => bodies.bytes,
  outboxAge: () => monitor.readings.outboxAge,
  notificationQueueUsage: () => monitor.readings.notificationQueueUsage,
  tasksRunning: tasks.running,
})

const createFaults = (hub: Hub, database: Database, drainMs: number): Faults => ({
  async disconnectStreams() {
    const count = hub.connectionCount
    await hub.disconnectAll(drainMs)
    return count
  },
  killListeners: () => killListeners(database),
})
