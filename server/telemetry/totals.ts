import { TRANSPORTS, type Transport } from '../protocol/transport.ts'
import {
  BODY_REFUSALS,
  type BodyRefusal,
  CLOSE_REASONS,
  type CloseReason,
  LIMITS,
  type Limit,
  type Telemetry,
} from './telemetry.ts'

/** What one transport has seen since the process started. */
export interface ConnectionTotals {
  opened: number
  closed: Record<CloseReason, number>
}

/** Everything that was reported since the process started. Numbers only grow, and every label has an entry from the start. */
export interface Totals {
  readonly connections: Readonly<Record<Transport, ConnectionTotals>>
  readonly deliveredEvents: number
  readonly deliveredBytes: number
  readonly publishedEvents: number
  readonly lostEvents: number
  readonly refusedBodies: Readonly<Record<BodyRefusal, number>>
  readonly reachedLimits: Readonly<Record<Limit, number>>
}

/** Adds up what is reported. Plain numbers: a report costs an addition, and an exporter reads them when it is scraped. */
export function createTotals(): { telemetry: Telemetry; totals: Totals } {
  const totals = {
    connections: recordOf(TRANSPORTS, () => ({ opened: 0, closed: recordOf(CLOSE_REASONS, () => 0) })),
    deliveredEvents: 0,
    deliveredBytes: 0,
    publishedEvents: 0,
    lostEvents: 0,
    refusedBodies: recordOf(BODY_REFUSALS, () => 0),
    reachedLimits: recordOf(LIMITS, () => 0),
  }
  const telemetry: Telemetry = {
    connectionOpened(transport) {
      totals.connections[transport].opened++
    },
    connectionClosed(transport, reason) {
      totals.connections[transport].closed[reason]++
    },
    delivered(events, bytes) {
      totals.deliveredEvents += events
      totals.deliveredBytes += bytes
    },
    published(events) {
      totals.publishedEvents += events
    },
    bodyRefused(reason) {
      totals.refusedBodies[reason]++
    },
    limitReached(limit) {
      totals.reachedLimits[limit]++
    },
    lostEvents(count) {
      totals.lostEvents += count
    },
  }
  return { telemetry, totals }
}

/** Streams that are open, by transport: what was opened and has not ended. */
export const openByTransport = ({ connections }: Pick<Totals, 'connections'>): Record<Transport, number> =>
  recordOf(TRANSPORTS, (transport) => {
    const { opened, closed } = connections[transport]
    return Object.values(closed).reduce((open, count) => open - count, opened)
  })

const recordOf = <K extends string, V>(keys: readonly K[], value: (key: K) => V) =>
  Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>
