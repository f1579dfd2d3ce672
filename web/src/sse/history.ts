import { positionOf } from './position-of.ts'
import type { Gap, StreamEvent } from './protocol.ts'

interface Page {
  gap?: Gap
  events: StreamEvent[]
  cursor: string
  more: boolean
}

const LIMIT = 1000

export interface HistoryOptions {
  url: string
  channels: readonly string[]
  /** Events after this position … */
  after: number
  /** … up to this one. */
  through: number
  onEvent: (event: StreamEvent) => void
  onGap: (gap: Gap) => void
  signal: AbortSignal
}

/**
 * Reads what lies between two cursors. It asks at least once: a cursor that lies beyond the log is one of another log, and
 * the answer says so.
 *
 * @throws {Error} when the server does not answer; what came so far was delivered, and `after` may be tried anew
 */
export async function readHistory({
  url,
  channels,
  after,
  through,
  onEvent,
  onGap,
  signal,
}: HistoryOptions): Promise<void> {
  let cursor = after
  do {
    const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
    query.set('after', String(cursor))
    query.set('limit', String(LIMIT))
    const response = await fetch(`${url}?${query}`, { headers: { accept: 'application/json' }, signal })
    if (!response.ok) throw new Error(`the server answered ${response.status}`)
    const page = (await response.json()) as Page
    if (page.gap) onGap(page.gap)
    for (const event of page.events) if (event.position <= through) onEvent(event)
    const reached = positionOf(page.cursor)
    if (!page.more || (reached <= cursor && !page.gap)) return
    cursor = reached
  } while (cursor < through)
}
