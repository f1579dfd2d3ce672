import { HISTORY_PAGE } from '../../../server/protocol/limits.ts'
import type { Connection, ConnectionHandlers, ConnectionRequest } from './connection.ts'
import { atPosition } from './cursor.ts'
import { failureOf } from './explain-failure.ts'
import type { HistoryPage } from './protocol.ts'

/** Seconds that a request waits for events: shorter than the time-outs that proxies have by default (30 and 60 s). */
const WAIT = 20

const SECOND = 1000

/**
 * Long-polling: each request waits for the page after the cursor. The first one does not wait, so that a connection that works
 * is known at once.
 */
export function openPollConnection(request: ConnectionRequest, handlers: ConnectionHandlers): Connection {
  const stop = new AbortController()
  void follow(request, handlers, stop.signal)
  return { close: () => stop.abort() }
}

async function follow(request: ConnectionRequest, handlers: ConnectionHandlers, signal: AbortSignal): Promise<void> {
  let after = request.cursor ?? 'latest'
  let wait = 0
  while (!signal.aborted) {
    const response = await fetchPage(request, after, wait, signal)
    if (signal.aborted) return
    if (!(response instanceof Response)) return handlers.onEnd('closed')
    if (response.status !== 200) return handlers.onEnd(await failureOf(response))
    const page = (await response.json().catch(() => undefined)) as HistoryPage | undefined
    if (signal.aborted) return
    if (!page) return handlers.onEnd('closed')
    if (wait === 0) begin(request, page, handlers)
    if (deliver(page, handlers, signal)) return
    after = page.cursor
    wait = WAIT
  }
}

/** Resolves with `undefined` when there is no response. */
const fetchPage = (
  { url, channels, clientId }: ConnectionRequest,
  after: string,
  wait: number,
  signal: AbortSignal,
): Promise<Response | undefined> => {
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
  query.set('after', after)
  query.set('wait', String(wait))
  query.set('limit', String(HISTORY_PAGE.max))
  if (clientId !== undefined) query.set('clientId', clientId)
  return fetch(`${url}?${query}`, {
    headers: { accept: 'application/json' },
    credentials: 'include',
    cache: 'no-store',
    signal,
  }).catch(() => undefined)
}

/** The first page says what `ready` says on a stream. An ID would move the client past a gap that it has not received. */
function begin({ cursor }: ConnectionRequest, page: HistoryPage, { onReady }: ConnectionHandlers): void {
  const start = cursor ?? page.cursor
  onReady({ heartbeat: WAIT * SECOND, head: page.head, instance: '', cursor: start }, page.gap ? '' : start)
}

/** Returns whether the connection has ended. */
function deliver(page: HistoryPage, handlers: ConnectionHandlers, signal: AbortSignal): boolean {
  if (page.gap) handlers.onGap(page.gap, atPosition(page.cursor, page.gap.to))
  for (const { position, ...event } of page.events) {
    // A callback may have closed the stream.
    if (signal.aborted) return true
    handlers.onEvent(event, atPosition(page.cursor, position))
  }
  if (signal.aborted) return true
  handlers.onHeartbeat(page.cursor)
  if (!page.closing) return false
  handlers.onClosing(page.closing, page.cursor)
  return true
}
