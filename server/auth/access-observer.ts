import type { Logger } from '../platform/logger.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { ACCESS_CHANNEL, type AccessEvent, readAccessEvent } from './access-events.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { Leases } from './leases.ts'

/** What an observer changes. */
export interface AccessObserverOptions {
  leases: Pick<Leases, 'renew' | 'end'>
  endedSessions: EndedSessions
  /** Revocations or keys may have changed. */
  onTablesChanged: () => void
  /** Events were missed: tables may have changed, and sessions may have been ended. */
  onMissed: () => void
  logger: Logger
}

/** Follows the log for what changes the rights of open streams. It is called before the events reach the streams. */
export interface AccessObserver {
  /** @param events of all channels, in the order of the log */
  observe(events: readonly LoggedEvent[]): void
  /** Events were not read. The streams of sessions that were renewed meanwhile end when their old tokens expire, and resume. */
  missed(): void
}

/** Applies the events of `sse.access` to the streams of this instance. */
export function createAccessObserver({
  leases,
  endedSessions,
  onTablesChanged,
  onMissed,
  logger,
}: AccessObserverOptions): AccessObserver {
  const apply = ({ type, data }: AccessEvent) => {
    switch (type) {
      case 'session.renewed':
        leases.renew(data.session, data.grant, Date.now())
        break
      case 'session.ended':
        endedSessions.add(data.session, (data.expiresAt ?? Number.POSITIVE_INFINITY) - Date.now())
        leases.end(data.session)
        break
      default:
        onTablesChanged()
    }
  }
  return {
    observe(events) {
      for (const event of events) {
        if (event.channel !== ACCESS_CHANNEL) continue
        const known = readAccessEvent(event)
        if (known) apply(known)
        else logger.warn({ position: event.position, type: event.type }, 'an event of sse.access is not known')
      }
    },
    missed: onMissed,
  }
}
