import type { Connection, ConnectionHandlers, ConnectionRequest } from './connection.ts'
import { isForeign } from './origin.ts'

/** The address of an event stream. */
export function streamAddress({ url, channels, clientId, cursor }: ConnectionRequest): string {
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
  // Events without a name all arrive at onmessage; their type is in the data.
  query.set('named', 'false')
  if (clientId !== undefined) query.set('clientId', clientId)
  if (cursor !== undefined) query.set('lastEventId', cursor)
  return `${url}?${query}`
}

/** Opens an EventSource, with the browser's cookies, and parses what it receives. */
export function openSseConnection(request: ConnectionRequest, handlers: ConnectionHandlers): Connection {
  const address = streamAddress(request)
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
  source.onerror = () => handlers.onEnd(source.readyState === EventSource.CLOSED ? 'closed' : 'reconnecting')
  return source
}
