import { HISTORY_PAGE } from '../../../server/protocol/limits.ts'
import type { Connection, ConnectionHandlers, ConnectionRequest } from '../sse/connection.ts'
import { atPosition } from '../sse/cursor.ts'
import { failureOf } from '../sse/explain-failure.ts'
import type { HistoryPage } from '../sse/protocol.ts'
import { POLL_INTERVAL } from './kinds.ts'

/**
 * Plain polling: reads the page of history after the cursor every two seconds, and at once while there is another one. Its
 * requests are counted by the browser (`observeRequests`).
 */
export function openPlainPolling(request: ConnectionRequest, handlers: ConnectionHandlers): Connection {
  let isClosed = false
  let isFirst = true
  let after = request.cursor ?? ''
  let timer: ReturnType<typeof setTimeout> | undefined
  const stop = new AbortController()

  const poll = async (): Promise<void> => {
    const response = await fetchPage(request, after, stop.signal)
    if (isClosed) return
    if (!response) return handlers.onEnd('closed')
    if (response.status !== 200) return handlers.onEnd(await failureOf(response))
    const page = (await response.json().catch(() => undefined)) as HistoryPage | undefined
    if (isClosed) return
    if (!page) return handlers.onEnd('closed')
    if (isFirst) begin(page)
    isFirst = false
    deliver(page)
    after = page.cursor
    if (!isClosed) timer = setTimeout(() => void poll(), page.more ? 0 : POLL_INTERVAL)
  }
  /** Says what `ready` says on a stream. */
  const begin = ({ head, gap }: HistoryPage) =>
    handlers.onReady({ heartbeat: 2 * POLL_INTERVAL, head, instance: '', cursor: after }, gap ? '' : after)
  const deliver = (page: HistoryPage) => {
    if (page.gap) handlers.onGap(page.gap, atPosition(page.cursor, page.gap.to))
    for (const { position, ...event } of page.events) {
      // A callback may have closed the stream.
      if (isClosed) return
      handlers.onEvent(event, atPosition(page.cursor, position))
    }
    if (!isClosed) handlers.onHeartbeat(page.cursor)
  }

  void poll()
  return {
    close: () => {
      isClosed = true
      clearTimeout(timer)
      stop.abort()
    },
  }
}

const fetchPage = (
  { url, channels }: ConnectionRequest,
  after: string,
  signal: AbortSignal,
): Promise<Response | undefined> => {
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
  query.set('after', after)
  query.set('limit', String(HISTORY_PAGE.max))
  return fetch(`${url}?${query}`, { headers: { accept: 'application/json' }, cache: 'no-store', signal }).catch(
    () => undefined,
  )
}
