import type { Transport } from '../protocol/transport.ts'
import type { Connection, ConnectionOptions } from './connection.ts'
import { PollConnection } from './poll-connection.ts'
import { StreamSocket } from './stream-socket.ts'
import { WebSocketConnection } from './websocket-connection.ts'

const CONNECTIONS = { sse: StreamSocket, websocket: WebSocketConnection, poll: PollConnection } as const

/** Opens a connection over a transport. */
export const openConnection = (transport: Transport, options: ConnectionOptions): Connection =>
  new CONNECTIONS[transport](options)
