import { Feed } from './fanout/feed.ts'
import { Hub } from './fanout/hub.ts'
import { RecentEvents } from './fanout/recent-events.ts'
import { createReplay } from './fanout/replay.ts'
import { Admission } from './log/admission.ts'
import { createAudit } from './log/audit.ts'
import type { Hole } from './log/holes.ts'
import { createLog } from './log/log.ts'
import { LostEvents } from './log/lost-events.ts'
import { Publisher } from './log/publisher.ts'
import { Relay } from './log/relay.ts'
import { createRetention } from './log/retention.ts'
import { createSearch } from './log/search.ts'
import type { Config } from './platform/config.ts'
import type { DatabaseAddress } from './platform/database.ts'
import { Listener } from './platform/listener.ts'
import type { Logger } from './platform/logger.ts'
import type { Pools } from './platform/pools.ts'
import type { Telemetry } from './telemetry/telemetry.ts'

export interface EventSystemOptions {
  config: Config
  pools: Pools
  /** Of the database; where LISTEN goes unless the configuration says otherwise. */
  address: DatabaseAddress
  telemetry: Telemetry
  logger: Logger
}

/** The stations of an event, put together; see README.md for the map. @throws {AppError} `database.unavailable` */
export async function createEventSystem({ config, pools, address, telemetry, logger }: EventSystemOptions) {
  const lost = new LostEvents(logger.child({ part: 'log' }), telemetry)
  const onHole = (hole: Hole) => lost.add(hole)
  const log = createLog(pools.events, pools.readers, onHole)
  const { head, oldest } = await log.bounds()
  const recent = new RecentEvents(head, config.windowBytes)
  const hub = new Hub({
    recent,
    replay: createReplay(recent, log),
    telemetry,
    logger: logger.child({ part: 'hub' }),
    flushInterval: config.flushIntervalMs,
    heartbeat: config.heartbeatMs,
    stallTimeout: config.stallTimeoutMs,
    retry: config.retryMs,
    maxConnections: config.maxConnections,
    instance: config.instanceName,
  })
  hub.oldest = oldest
  const feed = new Feed({
    log,
    position: head,
    deliver: (events) => hub.deliver(events),
    skip: (to, reason) => hub.skip(to, reason),
    onOldest: (position) => {
      hub.oldest = position
      lost.forget(position)
    },
    interval: config.pollIntervalMs,
    logger: logger.child({ part: 'feed' }),
  })
  const relay = new Relay({
    log,
    onMoved: () => feed.wake(),
    interval: config.outboxPollMs,
    logger: logger.child({ part: 'relay' }),
  })
  const publisher = new Publisher({
    log,
    onCommit: (position) => feed.wake(position),
    telemetry,
  })
  const admission = new Admission(config.maxPendingPublishes)
  const retention = createRetention({
    log,
    limits: { maxAge: config.retention || null, maxEvents: config.retentionEvents || null },
    interval: config.retentionIntervalMs,
    logger: logger.child({ part: 'retention' }),
  })
  const audit = createAudit({ log, database: pools.readers, onHole, logger: logger.child({ part: 'log' }) })
  const listener = new Listener({
    address: config.databaseListenUrl ?? address,
    database: pools.events,
    handlers: { sse_log: (position) => feed.wake(Number(position)), sse_outbox: () => relay.wake() },
    onListening: () => feed.wake(),
    logger: logger.child({ part: 'listener' }),
  })
  return {
    log,
    search: createSearch(pools.readers, onHole),
    lost,
    recent,
    hub,
    feed,
    relay,
    publisher,
    admission,
    listener,
    start() {
      hub.start()
      feed.start()
      relay.start()
      listener.start()
      retention.start()
      audit.start()
    },
    /** After nothing more is published. */
    async stop() {
      await Promise.all([relay.stop(), feed.stop(), listener.stop(), retention.stop(), audit.stop()])
    },
  }
}

export type EventSystem = Awaited<ReturnType<typeof createEventSystem>>
