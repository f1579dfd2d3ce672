import { version } from '../package.json' with { type: 'json' }
import { createApp } from './app.ts'
import { createEventSystem } from './event-system.ts'
import { createBodies } from './http/body.ts'
import { limitRequestHeads } from './http/limits.ts'
import { createOutbox } from './log/outbox.ts'
import { createChecks } from './operations/checks.ts'
import { Cluster } from './operations/cluster.ts'
import type { Faults } from './operations/cluster-routes.ts'
import { killListeners, labOrigins } from './operations/lab.ts'
import { Monitor } from './operations/monitor.ts'
import { dashboardDirectory } from './platform/assets.ts'
import type { Config } from './platform/config.ts'
import { type DatabaseAddress, describeAddress } from './platform/database.ts'
import type { EmbeddedPostgres } from './platform/embedded-postgres/embedded-postgres.ts'
import type { Logger } from './platform/logger.ts'
import { createPools, type Pools } from './platform/pools.ts'
import { openDatabase } from './platform/start-database.ts'
import { StuckTransactions } from './platform/stuck-transactions.ts'
import { SECOND, sleep } from './platform/time.ts'
import { prepareDatabase } from './prepare-database.ts'
import { createShopCleanup } from './shop/cleanup.ts'
import { createNotifications } from './shop/notifications/notifications.ts'
import { createOrders } from './shop/orders/orders.ts'
import { areTasksOver } from './shop/tasks/stream-end.ts'
import { createTaskSystem } from './shop/tasks/task-system.ts'
import { createPrometheus } from './telemetry/prometheus.ts'
import { createTotals } from './telemetry/totals.ts'

/** One instance of the server. */
export interface Runtime {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  url: string
  /** Which Postgres it uses, without a password. */
  database: string
  /** Ends streams, finishes what is being published, lets go of Postgres; after `SHUTDOWN_TIMEOUT_MS`, by force. */
  stop(): Promise<void>
}

/**
 * Puts all parts together and starts them; resolves when requests are answered.
 *
 * @throws {MigrationError} when the database does not fit this program
 */
export async function startRuntime(config: Config, logger: Logger): Promise<Runtime> {
  const { address, embedded } = await openDatabase(config, logger)
  const pools = createPools(address, config, logger)
  try {
    const migrationCount = await prepareDatabase(address, config, logger)
    return await assemble(config, logger, pools, address, embedded, migrationCount)
  } catch (error) {
    await pools.end()
    await embedded?.stop()
    throw error
  }
}

async function assemble(
  config: Config,
  logger: Logger,
  pools: Pools,
  address: DatabaseAddress,
  embedded: EmbeddedPostgres | undefined,
  migrationCount: number,
): Promise<Runtime> {
  const { telemetry, totals } = createTotals()
  const events = await createEventSystem({ config, pools, address, telemetry, logger })
  const { log, search, recent, hub, feed, relay, publisher, admission, listener } = events
  const monitor = new Monitor({
    database: pools.events,
    migrations: migrationCount,
    logger: logger.child({ part: 'monitor' }),
  })
  const stuckTransactions = new StuckTransactions({
    database: pools.events,
    logger: logger.child({ part: 'database' }),
  })
  const onPublished = () => relay.wake()
  const outbox = createOutbox({ database: pools.domain, onPublished })
  const taskSystem = createTaskSystem({ outbox, pools, onPublished, config, logger: logger.child({ part: 'tasks' }) })

  const cleanup = createShopCleanup({
    outbox: taskSystem.background,
    config,
    logger: logger.child({ part: 'cleanup' }),
  })
  const bodies = createBodies(config, telemetry)

  let isDraining = false
  const checks = createChecks({
    ...events,
    bodies: bodies.budget,
    monitor,
    queueProblem: () => taskSystem.queue.problem,
    isDraining: () => isDraining,
    pollInterval: config.pollIntervalMs,
  })
  const isLab = config.lab === 'on' || (config.lab === 'auto' && embedded !== undefined)
  const cluster = new Cluster({
    database: pools.events,
    name: config.instanceName,
    version,
    status: () => ({
      connections: hub.connectionCount,
      position: feed.position,
      isListening: listener.isListening,
      isDraining,
      relayed: relay.moved,
      relaying: relay.idle < RELAYING,
      published: totals.publishedEvents,
      tasksRunning: taskSystem.worker.running,
      memoryBytes: process.memoryUsage.rss(),
    }),
    settings: { retentionMs: config.retention, retentionEvents: config.retentionEvents, lab: isLab },
    logger: logger.child({ part: 'cluster' }),
  })
  const faults: Faults = {
    async disconnectStreams() {
      const count = hub.connectionCount
      await hub.disconnectAll(config.drainMs)
      return count
    },
    killListeners: () => killListeners(pools.events),
  }
  const app = createApp({
    hub,
    log,
    publisher,
    admission,
    search,
    host: { listen: config.host, allowed: config.allowedHosts },
    cors: {
      origins: config.allowedOrigins,
      streamOrigins: (host) => (isLab ? labOrigins(host, cluster.urls) : []),
    },
    maxEventBytes: config.maxEventBytes,
    maxRequestBytes: config.maxRequestBytes,
    bodies,
    checks,
    isOver: (channels, after) => areTasksOver(pools.domain, channels, after),
    orders: createOrders(outbox),
    cluster,
    faults: isLab ? faults : undefined,
    notifications: createNotifications(outbox),
    tasks: taskSystem.tasks,
    files: taskSystem.files,
    maxUploadBytes: config.maxUploadBytes,
    metrics: createPrometheus(totals, {
      connections: () => hub.connectionCount,
      indexSize: () => hub.indexSize,
      indexLimit: () => hub.maxIndexSize,
      position: () => feed.position,
      isLogReachable: () => feed.problem === undefined,
      isListening: () => listener.isListening,
      windowBytes: () => recent.bytes,
      windowEvents: () => recent.head - recent.tail,
      pendingPublishes: () => admission.requests,
      openBodies: () => bodies.budget.count,
      openBodyBytes: () => bodies.budget.bytes,
      outboxAge: () => monitor.readings.outboxAge,
      notificationQueueUsage: () => monitor.readings.notificationQueueUsage,
      tasksRunning: () => taskSystem.worker.running,
    }),
    dashboard: dashboardDirectory(),
    logger: logger.child({ part: 'http' }),
  })

  events.start()
  monitor.start()
  stuckTransactions.start()
  await taskSystem.start()
  cleanup.start()
  limitRequestHeads()
  app.listen({
    hostname: config.host,
    port: config.port,
    // Elysia's default lets a second server take the same port without a word.
    reusePort: false,
    idleTimeout: 60,
    // Errors are told as problem documents, never as a page with a stack.
    development: false,
    // Those who read a body count it, and answer what is too large with a problem document.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  })
  const server = app.server
  if (!server) throw new Error('the server did not start')

  cluster.start(server.url.href.replace(/\/$/, ''))

  const parts = async () => {
    const closed = server.stop()
    hub.stop()
    await Promise.race([closed, settled(() => server.pendingRequests === 0)])
    await publisher.drain()
    await cleanup.stop()
    await taskSystem.stop(config.shutdownTimeoutMs / 2)
    await Promise.all([events.stop(), monitor.stop(), cluster.stop(), stuckTransactions.stop()])
  }
  const stop = async () => {
    isDraining = true
    await hub.drain(config.drainMs)
    await Promise.race([parts(), sleep(config.shutdownTimeoutMs)])
    await server.stop(true)
    await pools.end()
    await embedded?.stop()
  }
  return { url: server.url.href.replace(/\/$/, ''), database: describeAddress(address), stop: once(stop) }
}

/** Milliseconds for which an instance counts as the one that relays. */
const RELAYING = 5 * SECOND

/** Resolves when a condition holds that nobody announces. */
async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}

function once(action: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined
  return () => {
    result ??= action()
    return result
  }
}
