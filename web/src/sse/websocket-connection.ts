import { closeCodeOf, SUBPROTOCOL } from '../../../server/protocol/close-codes.ts'
import type { Connection, ConnectionHandlers, ConnectionRequest } from './connection.ts'
import type { Closing, Gap, Ready, StreamEvent } from './protocol.ts'
import { streamAddress } from './sse-connection.ts'

/** The close code after which no event will ever follow. */
const OVER = closeCodeOf('over')

/** One message of the server; a frame holds one, or an array of them. */
interface Message {
  id?: string
  event: string
  data: unknown
}

/** Opens a WebSocket, with the browser's cookies, and parses what it receives. */
export function openWebSocketConnection(request: ConnectionRequest, handlers: ConnectionHandlers): Connection {
  const socket = new WebSocket(webSocketAddress(request), SUBPROTOCOL)
  let isClosed = false
  socket.onmessage = ({ data }: MessageEvent<string>) => {
    handlers.onFrame?.(data)
    const parsed = JSON.parse(data) as Message | Message[]
    for (const message of Array.isArray(parsed) ? parsed : [parsed]) {
      // A callback may have closed the stream.
      if (isClosed) return
      receive(message, handlers)
    }
  }
  socket.onclose = ({ code }) => {
    if (!isClosed) handlers.onEnd(code === OVER ? { verdict: 'over' } : 'closed')
  }
  return {
    close() {
      isClosed = true
      socket.close()
    },
  }
}

function receive({ id = '', event, data }: Message, handlers: ConnectionHandlers): void {
  if (event === 'ready') handlers.onReady(data as Ready, id)
  else if (event === 'gap') handlers.onGap(data as Gap, id)
  else if (event === 'heartbeat') handlers.onHeartbeat(id)
  else if (event === 'auth-expiring') handlers.onExpiring(id)
  else if (event === 'closing') handlers.onClosing(data as Closing, id)
  else handlers.onEvent(data as Omit<StreamEvent, 'position'>, id)
}

function webSocketAddress(request: ConnectionRequest): string {
  const address = new URL(streamAddress(request), globalThis.location?.href)
  address.searchParams.delete('named')
  address.protocol = address.protocol.replace('http', 'ws')
  return address.href
}
