import { HISTORY_PAGE } from '../../../server/protocol/limits.ts'
import { type Cursor, positionOf } from './cursor.ts'
import type { Gap, HistoryPage, StreamEvent } from './protocol.ts'

/** What to read, and what to call back with. */
export interface HistoryOptions {
  /** Address of the history. */
  url: string
  /** Patterns of channels. */
  channels: readonly string[]
  /** Cursor to begin after. */
  after: Cursor
  /** Position of the last event to read. */
  through: number
  /** An event, in order. */
  onEvent: (event: StreamEvent) => void
  /** Events are no longer available. */
  onGap: (gap: Gap) => void
  /** A page was read; reading can be resumed after its cursor, which may be of a position after `through`. */
  onPage: (cursor: Cursor) => void
  /** Aborts the request. */
  signal: AbortSignal
}

/**
 * Reads the events between two cursors, page by page. It reads one page at least: when the cursor is beyond the log, it is of
 * another log, and the page has a gap.
 *
 * @throws {Error} when the server is unreachable or responds with an error; what was read is delivered, and the caller may
 * resume after the cursor of the last page
 */
export async function readHistory(options: HistoryOptions): Promise<void> {
  const { after, through, onEvent, onGap, onPage } = options
  let cursor = after
  for (;;) {
    const page = await readPage(options, cursor)
    if (page.gap) onGap(page.gap)
    for (const event of page.events) if (event.position <= through) onEvent(event)
    onPage(page.cursor)
    const reached = positionOf(page.cursor)
    if (!page.more || reached >= through) return
    // A page that makes no progress would be read again and again.
    if (reached <= positionOf(cursor) && !page.gap) return
    cursor = page.cursor
  }
}

/** @throws {Error} when there is no page */
async function readPage({ url, channels, signal }: HistoryOptions, after: Cursor): Promise<HistoryPage> {
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
  query.set('after', String(after))
  query.set('limit', String(HISTORY_PAGE.max))
  const response = await fetch(`${url}?${query}`, {
    headers: { accept: 'application/json' },
    credentials: 'include',
    signal,
  })
  if (!response.ok) throw new Error(`the server responded with status ${response.status}`)
  return (await response.json()) as HistoryPage
}
