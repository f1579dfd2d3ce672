import type { StreamEvent } from '../sse/protocol.ts'

/** What the log page shows. */
export interface Filter {
  /** Pattern of channels, such as `orders.>`; empty for all that the user may read. */
  channel: string
  /** Exact event type; empty for all. */
  type: string
  /** Local time as an input of type `datetime-local` has it; empty for no limit. */
  since: string
  /** As `since`; the log page does not follow the stream when it is set. */
  until: string
}

/** All events that the user may read. */
export const ALL_EVENTS: Filter = { channel: '', type: '', since: '', until: '' }

/** A local time as ISO 8601 in UTC; `undefined` for an empty one. */
export const toIso = (local: string): string | undefined => (local ? new Date(local).toISOString() : undefined)

/** Whether an event of the filter's channels passes the rest of the filter. `until` is not compared. */
export function passes({ type, since }: Filter, event: StreamEvent): boolean {
  const start = toIso(since)
  return (!type || event.type === type) && (start === undefined || event.time >= start)
}
