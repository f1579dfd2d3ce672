import type { Connection, ConnectionHandlers, ConnectionRequest } from './connection.ts'
import { openPollConnection } from './poll-connection.ts'
import type { Transport } from './protocol.ts'
import { openSseConnection } from './sse-connection.ts'
import { openWebSocketConnection } from './websocket-connection.ts'

/** Opens a connection by one of the transports; all of them bring the same. */
export function openConnection(
  transport: Transport,
  request: ConnectionRequest,
  handlers: ConnectionHandlers,
): Connection {
  switch (transport) {
    case 'sse':
      return openSseConnection(request, handlers)
    case 'websocket':
      return openWebSocketConnection(request, handlers)
    case 'poll':
      return openPollConnection(request, handlers)
  }
}
