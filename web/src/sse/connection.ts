import { isForeign } from './origin.ts'
import type { Closing, Gap, Ready, StreamEvent } from './protocol.ts'

/** What arrives on a connection. `id` is the last event ID, a cursor; empty before the first. */
export interface ConnectionHandlers {
  /** The stream begins. */
  onReady: (ready: Ready, id: string) => void
  /** An event of the log; its position is in the id. */
  onEvent: (event: Omit<StreamEvent, 'position'>, id: string) => void
  /** Events are no longer available. */
  onGap: (gap: Gap, id: string) => void
  /** Nothing but the cursor. */
  onHeartbeat: (id: string) => void
  /** The session that the stream was opened with ends soon: renew it. */
  onExpiring: (id: string) => void
  /** The server ends the stream. */
  onClosing: (closing: Closing, id: string) => void
  /** The connection failed; `source.readyState` says whether the browser makes another attempt by itself. */
  onError: (source: EventSource) => void
}

/** The address of a stream of channels, after a cursor. */
export function streamAddress(
  url: string,
  channels: readonly string[],
  { clientId, cursor }: { clientId?: string | undefined; cursor?: string | undefined },
): string {
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
  // Events without a name all arrive at onmessage; their type is in the data.
  query.set('named', 'false')
  if (clientId !== undefined) query.set('clientId', clientId)
  if (cursor !== undefined) query.set('lastEventId', cursor)
  return `${url}?${query}`
}

/** Opens an EventSource, with the browser's cookies, and parses what it receives. */
export function openConnection(address: string, handlers: ConnectionHandlers): EventSource {
  const source = new EventSource(address, { withCredentials: isForeign(address) })
  const on = <T>(name: string, handle: (data: T, id: string) => void) =>
    source.addEventListener(name, ({ data, lastEventId }: MessageEvent<string>) =>
      handle(JSON.parse(data) as T, lastEventId),
    )
  on('ready', handlers.onReady)
  on('gap', handlers.onGap)
  on('heartbeat', (_data, id) => handlers.onHeartbeat(id))
  on('auth-expiring', (_data, id) => handlers.onExpiring(id))
  on('closing', handlers.onClosing)
  source.onmessage = ({ data, lastEventId }) => handlers.onEvent(JSON.parse(data), lastEventId)
  source.onerror = () => handlers.onError(source)
  return source
}
