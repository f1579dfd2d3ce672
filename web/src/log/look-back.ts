import { readablePatterns } from '../live/access.ts'
import { endSession } from '../live/session.ts'
import type { Cursor, StartingPoint } from '../sse/cursor.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { UNREACHABLE, unexpectedStatus } from '../ui/messages.ts'
import { type Filter, toIso } from './filter.ts'

/** A page of the log, newest first. */
export interface LogPage {
  events: StreamEvent[]
  /** Pass it as `before` to get the next page. */
  cursor: Cursor
  /** Whether there are older events. */
  more: boolean
  /** Position of the newest event of the log. */
  head: number
}

const LIMIT = 500

/**
 * Reads a page of the log backward, newest first.
 *
 * @param before cursor; `undefined` starts at the newest event
 * @param limit maximum number of events. Defaults to `500`
 * @throws {Error} with a message for the user
 */
export async function lookBack(filter: Filter, before: StartingPoint | undefined, limit = LIMIT): Promise<LogPage> {
  const { channel, type, since, until } = filter
  const query = new URLSearchParams({ before: String(before ?? 'latest'), limit: String(limit) })
  for (const pattern of channel ? [channel] : readablePatterns()) query.append('channel', pattern)
  if (type) query.append('type', type)
  for (const [name, time] of Object.entries({ since: toIso(since), until: toIso(until) })) {
    if (time) query.set(name, time)
  }
  const response = await fetch(`/events?${query}`, { headers: { accept: 'application/json' } }).catch(() => undefined)
  if (!response) throw new Error(UNREACHABLE)
  const body = (await response.json().catch(() => ({}))) as LogPage & { detail?: string }
  if (response.status === 401) endSession()
  if (!response.ok) throw new Error(body.detail ?? unexpectedStatus(response.status))
  return body
}
