import { Feed } from './fanout/feed.ts'
import { Hub } from './fanout/hub.ts'
import { RecentEvents } from './fanout/recent-events.ts'
import { createReplay } from './fanout/replay.ts'
import { Admission } from './log/admission.ts'
import { createAudit } from './log/audit.ts'
import { loadBounds } from './log/bounds.ts'
import type { Hole } from './log/holes.ts'
import { createLog, type EventLog } from './log/log.ts'
import { LostEvents } from './log/lost-events.ts'
import { Publisher } from './log/publisher.ts'
import { Relay } from './log/relay.ts'
import { createRetention } from './log/retention.ts'
import { createSearch } from './log/search.ts'
import type { Config } from './platform/config.ts'
import type { DatabaseAddress } from './platform/database.ts'
import { together } from './platform/lifecycle.ts'
import { Listener } from './platform/listener.ts'
import type { Logger } from './platform/logger.ts'
import type { Pools } from './platform/pools.ts'
import type { LoggedEvent } from './protocol/event.ts'
import type { Telemetry } from './telemetry/telemetry.ts'

/** What {@link createEventSystem} needs. */
export interface EventSystemOptions {
  config: Config
  pools: Pools
  /** Of the database; where LISTEN goes unless the configuration says otherwise. */
  address: DatabaseAddress
  telemetry: Telemetry
  logger: Logger
  /** Sees the log before the streams do. */
  observer: {
    /** Called with every event after the start, once each, in order; before the streams receive it. */
    observe(events: readonly LoggedEvent[]): void
    /** Events were not read. */
    missed(): void
  }
}

/**
 * Puts together the path of an event, from the log to the streams; README.md has the picture. It is a part of a
 * life cycle; streams are ended before it is stopped (`hub.drain`, `hub.stop`).
 *
 * @throws {AppError} `database.unavailable`
 */
export async function createEventSystem(options: EventSystemOptions) {
  const { config, pools, telemetry, logger } = options
  const lost = new LostEvents(logger.child({ part: 'log' }), telemetry)
  const onHole = (hole: Hole) => lost.add(hole)
  const log = createLog(pools.events, pools.readers, onHole, (append) => feed.take(append))
  const { bounds, recent, hub, feed } = await createFanout(options, log, lost)
  const relay = new Relay({
    log,
    onMoved: () => feed.wake(),
    interval: config.outboxPollMs,
    logger: logger.child({ part: 'relay' }),
  })
  const publisher = new Publisher({ log, onCommit: (position) => feed.wake(position), telemetry })
  const admission = new Admission(config.maxPendingPublishes)
  const listener = createListener(options, feed, relay)
  const retention = createRetention({
    log,
    limits: { maxAge: config.retention || null, maxEvents: config.retentionEvents || null },
    interval: config.retentionIntervalMs,
    logger: logger.child({ part: 'retention' }),
  })
  const audit = createAudit({ log, database: pools.readers, onHole, logger: logger.child({ part: 'log' }) })
  const search = createSearch(pools.readers, onHole)
  const parts = { hub: { start: () => hub.start() }, feed, relay, listener, retention, audit }
  return { log, bounds, search, lost, recent, hub, feed, relay, publisher, admission, listener, ...together(parts) }
}

/** The parts of an event system, and its start and stop. */
export type EventSystem = Awaited<ReturnType<typeof createEventSystem>>

/** What follows the log and delivers to streams, from the head of the log on. */
async function createFanout(
  { config, telemetry, logger, observer }: EventSystemOptions,
  log: EventLog,
  lost: LostEvents,
) {
  // Without notifications, the feed would detect another epoch at its next poll only.
  const bounds = await loadBounds(log, () => feed.wake())
  const { head, epoch } = bounds.current
  const recent = new RecentEvents(head, config.windowBytes, epoch)
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
    quotas: { perSubject: config.maxStreamsPerSubject, perAddress: config.maxStreamsPerAddress },
    instance: config.instanceName,
  })
  const feed = new Feed({
    log,
    position: head,
    epoch,
    deliver(events) {
      observer.observe(events)
      return hub.deliver(events)
    },
    skip(to, reason, epoch) {
      observer.missed()
      return hub.skip(to, reason, epoch)
    },
    renew: (epoch, shared) => hub.renew(epoch, shared),
    onBounds: (seen) => {
      bounds.observe(seen)
      lost.forget(seen.oldest)
    },
    interval: config.pollIntervalMs,
    logger: logger.child({ part: 'feed' }),
  })
  return { bounds, recent, hub, feed }
}

/** Notifications only shorten the wait for the next poll: whatever arrives, feed and relay read by themselves. */
const createListener = ({ config, pools, address, logger }: EventSystemOptions, feed: Feed, relay: Relay): Listener =>
  new Listener({
    address: config.databaseListenUrl ?? address,
    database: pools.events,
    handlers: { sse_log: (position) => feed.wake(Number(position)), sse_outbox: () => relay.wake() },
    onListening: () => feed.wake(),
    logger: logger.child({ part: 'listener' }),
  })
