import { version } from '../package.json' with { type: 'json' }
import { type AppOptions, createApp } from './app.ts'
import { type Access, createAccess, readAccessSettings } from './auth/access.ts'
import { type AccessControl, createAccessControl } from './auth/access-control.ts'
import { delaySessions, delayUnauthorized } from './auth/delayed-refusals.ts'
import { readKeys } from './auth/key-store.ts'
import { RefusalDelay } from './auth/refusal-delay.ts'
import { createRequestRate, limitRequests, type RequestRate } from './auth/request-rate.ts'
import { createRequestRights, type RequestRights } from './auth/request-rights.ts'
import { createWork, openStorage, type StartOptions, type Work, watchStuckTransactions } from './common-runtime.ts'
import { createEventSystem, type EventSystem } from './event-system.ts'
import { type Bodies, createBodies } from './http/body.ts'
import { createAddressOf, createIsSecure, type Incoming } from './http/client-address.ts'
import { REQUEST_TIMEOUT } from './http/limits.ts'
import { HttpServer } from './http-server.ts'
import { labOrigins } from './operations/lab.ts'
import { createOperations, type Operations } from './operations/operations.ts'
import { dashboardDirectory } from './platform/assets.ts'
import { CertificateWatch } from './platform/certificate-watch.ts'
import type { Config } from './platform/config.ts'
import { describeAddress } from './platform/database.ts'
import { fitToDescriptors } from './platform/descriptors.ts'
import { Lifecycle, together, withLifecycle } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { Pools } from './platform/pools.ts'
import type { Member } from './platform/process-group/member.ts'
import { SECOND } from './platform/time.ts'
import { type Certificate, readCertificate } from './platform/tls.ts'
import { createShopCleanup } from './shop/cleanup.ts'
import { createNotifications } from './shop/notifications/notifications.ts'
import { createOrders } from './shop/orders/orders.ts'
import { areTasksOver } from './shop/tasks/stream-end.ts'
import { createGroupMetrics } from './telemetry/group-metrics.ts'
import type { Renderer } from './telemetry/prometheus.ts'
import { createTotals } from './telemetry/totals.ts'
import { createPublishRate } from './transports/publish/publish-rate.ts'
import { createPatternRate } from './transports/websocket/pattern-rate.ts'
import { Peers } from './transports/websocket/peers.ts'

/** One instance of the server. */
export interface Runtime {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  url: string
  /** Which Postgres it uses, without a password. */
  database: string
  /**
   * Closes the streams over `DRAIN_MS`, finishes what is being published, and disconnects from Postgres. What is not
   * finished `SHUTDOWN_TIMEOUT_MS` after the streams were closed is ended by force.
   */
  stop(): Promise<void>
}

/**
 * Starts an instance: database, event system, tasks and HTTP, in this order. Resolves when it accepts requests.
 *
 * @throws {MigrationError} when the database does not fit this program
 * @param signal aborts the start, and stops what was started by then
 * @param member the place of this process in a group that shares a port and a database. Defaults to none
 * @throws {ListenError} when the server can't listen at HOST and PORT
 * @throws the reason of `signal` when it aborts during the start
 */
export const startRuntime = (config: Config, logger: Logger, signal?: AbortSignal, member?: Member): Promise<Runtime> =>
  withLifecycle(logger, (lifecycle) => startParts({ config, logger, lifecycle, mayCreate: true, member }), signal)

async function startParts(options: StartOptions): Promise<Runtime> {
  const { config, logger, lifecycle, member } = options
  const accessSettings = await readAccessSettings(config)
  const certificate = await readCertificate(config)
  const { address, pools, isEmbedded, migrations } = await openStorage(options)
  const isSecure = createIsSecure(config.trustedProxies, () => app.server)
  const access = createAccess(config, accessSettings, await readKeys(pools.events), isSecure)
  const { telemetry, totals } = createTotals()
  const control = createAccessControl(access, pools.events, logger.child({ part: 'access' }))
  const { maxConnections, warning } = fitToDescriptors(config)
  const events = await createEventSystem({
    config: { ...config, maxConnections },
    pools,
    address,
    telemetry,
    logger,
    observer: control.observer,
  })
  const work = createWork(config, pools, () => events.relay.wake(), logger)
  const addressOf = createAddressOf(config.trustedProxies)
  const rights = createRequestRights(access.authorize, control.streamLeases)
  const bodies = createBodies(config, telemetry, addressOf, rights.hold)
  const limits = {
    addressOf,
    publishRate: createPublishRate(config.publishRate, telemetry),
    patternRate: createPatternRate(telemetry),
    telemetry,
  }
  let isDraining = false
  const operations = createOperations({
    observed: {
      ...events,
      totals,
      bodies: bodies.budget,
      tasks: { running: () => work.tasks.worker.running, problem: () => work.tasks.queue.problem },
    },
    database: pools.events,
    config,
    version,
    migrations,
    isLab: config.lab === 'on' || (config.lab === 'auto' && isEmbedded),
    isDraining: () => isDraining,
    logger,
    processNumber: member?.assignment.number,
  })
  const checkRate = createRequestRate({
    rate: config.requestRate,
    addressOf,
    server: () => app.server,
    telemetry,
  })
  const onRefused = (code: string) => {
    if (code === 'tasks.too_many') telemetry.limitReached('tasks_per_owner')
  }
  const onRequest = (request: Request) => void app.server?.timeout(request, REQUEST_TIMEOUT)
  const app = createApp(
    appOptions({
      config,
      logger,
      pools,
      events,
      work,
      bodies,
      limits,
      operations,
      metrics: member ? createGroupMetrics(operations.metrics, member) : operations.metrics,
      access,
      control,
      rights,
      onRequest,
      onRefused,
      checkRate,
      server: () => app.server,
    }),
  )
  const server = new HttpServer(app, {
    config,
    isShared: member !== undefined,
    certificate,
    telemetry,
    logger: logger.child({ part: 'http' }),
  })

  // Stopped from the last line to the first.
  await lifecycle.start('connections', { stop: () => server.close() })
  await startWithinDeadline(options, { pools, events, work, operations, control, server })
  if (certificate) await lifecycle.start('certificate', watchCertificate(certificate, options, server))
  await lifecycle.start('streams', {
    stop() {
      isDraining = true
      return events.hub.drain(config.drainMs)
    },
  })
  if (warning !== undefined) logger.warn({ maxConnections }, warning)
  return { url: server.url, database: describeAddress(address), stop: () => lifecycle.stop() }
}

const watchCertificate = (present: Certificate, { config, logger }: StartOptions, server: HttpServer) =>
  new CertificateWatch({
    present,
    read: () => readCertificate(config),
    use: (certificate) => server.useCertificate(certificate),
    logger: logger.child({ part: 'http' }),
  })

/** Starts the parts whose stop must not take longer than `SHUTDOWN_TIMEOUT_MS` in total, those with requests last. */
async function startWithinDeadline(
  { config, logger, lifecycle }: StartOptions,
  {
    pools,
    events,
    work,
    operations,
    control,
    server,
  }: Pick<Parts, 'pools' | 'events' | 'work' | 'operations' | 'control'> & { server: HttpServer },
): Promise<void> {
  const parts = new Lifecycle(logger)
  await lifecycle.start('parts', { stop: () => parts.stop() }, { stopTimeout: config.shutdownTimeoutMs })
  const { monitor, instances } = operations
  const stuckTransactions = watchStuckTransactions(pools, logger)
  // The row of this instance is deleted together with the other parts, and inserted when its URL is known.
  const presence = { stop: () => instances.stop() }
  await parts.start('background', together({ events, access: control, monitor, presence, stuckTransactions }))
  await parts.start('tasks', {
    start: (signal) => work.tasks.start(signal),
    stop: () => work.tasks.stop(config.shutdownTimeoutMs / 2),
  })
  const cleanup = createShopCleanup({
    outbox: work.tasks.background,
    config,
    logger: logger.child({ part: 'cleanup' }),
  })
  await parts.start('cleanup', cleanup)
  await parts.start('publisher', { stop: () => events.publisher.drain() })
  await parts.start('requests', {
    start: () => server.start(),
    stop: () => server.finish(() => events.hub.stop()),
  })
  instances.start(server.url)
}

interface Parts {
  config: Config
  logger: Logger
  pools: Pools
  events: EventSystem
  work: Work
  bodies: Bodies
  operations: Operations
  metrics: Renderer
  access: Access
  control: AccessControl
  rights: RequestRights
  limits: Pick<AppOptions['events'], 'addressOf' | 'publishRate' | 'patternRate' | 'telemetry'>
  onRequest: (request: Request) => void
  onRefused: (code: string) => void
  checkRate: RequestRate
  server: () => Incoming['server']
}

/** Milliseconds between two pings of a WebSocket: half as often as heartbeats, within bounds. */
const pingInterval = ({ heartbeatMs }: Config) => Math.min(30 * SECOND, Math.max(2 * SECOND, 2 * heartbeatMs))

/** What each door of the application gets. */
function appOptions(parts: Parts): AppOptions {
  const { config, logger, pools, events, work, bodies, limits, operations, access, control } = parts
  const { hub, log, bounds, search, publisher, admission } = events
  const { checks, instances, faults } = operations
  const { outbox, tasks } = work
  const { authorize, hold: holdRights } = parts.rights
  const refusals = new RefusalDelay()
  const delays = { refusals, addressOf: limits.addressOf, server: parts.server }
  const authorizeOnce = delayUnauthorized(authorize, delays)
  const limited = limitRequests(authorizeOnce, parts.checkRate)
  const sessions = control.sessions({
    publish: (event) => publisher.publish([event]),
    checkRate: parts.checkRate,
  })
  return {
    http: {
      onRequest: parts.onRequest,
      isSecure: access.isSecure,
      host: { listen: config.host, allowed: config.allowedHosts },
      cors: {
        origins: config.allowedOrigins,
        streamOrigins: (host) => (faults ? labOrigins(host, instances.urls) : []),
      },
    },
    session: {
      authorize: limited,
      sessions: delaySessions(sessions, delays),
    },
    events: {
      authorize,
      authorizeOnce,
      authorizeHistory: limited,
      authorizeWait: limitRequests(authorize, parts.checkRate),
      leases: control.streamLeases,
      refusals,
      peers: new Peers(pingInterval(config)),
      ...limits,
      hub,
      log,
      bounds,
      search,
      publisher,
      admission,
      bodies,
      maxEventBytes: config.maxEventBytes,
      maxRequestBytes: config.maxRequestBytes,
      isOver: (channels, after) => areTasksOver(pools.domain, channels, after),
    },
    shop: {
      authorize: limited,
      orders: createOrders(outbox),
      notifications: createNotifications(outbox),
      tasks: tasks.tasks,
      files: tasks.files,
      holdRights,
      maxUploadBytes: config.maxUploadBytes,
      bodies,
    },
    operations: {
      authorize: limited,
      checks,
      instances,
      faults,
      bodies,
      dashboard: dashboardDirectory(),
      metrics: parts.metrics,
    },
    onRefused: parts.onRefused,
    logger: logger.child({ part: 'http' }),
  }
}
