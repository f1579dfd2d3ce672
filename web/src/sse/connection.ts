import type { Failure } from './explain-failure.ts'
import type { Closing, Gap, Ready, StreamEvent, Transport } from './protocol.ts'

/** What a connection is to bring. */
export interface ConnectionRequest {
  /** Address of the stream, such as `/events`. */
  url: string
  /** Patterns of channels. */
  channels: readonly string[]
  clientId: string | undefined
  /** Cursor to begin after; `undefined` for the head of the log. */
  cursor: string | undefined
}

/** Why a connection ended, or was never made. */
export type ConnectionEnd =
  /** The browser makes another attempt by itself. */
  | 'reconnecting'
  /** The browser does not say why. */
  | 'closed'
  /** The server, or what is between, gave the reason. */
  | Failure

/** What arrives on a connection. `id` is the last event ID, a cursor; empty before the first. */
export interface ConnectionHandlers {
  /** The stream begins. */
  onReady: (ready: Pick<Ready, 'heartbeat' | 'head' | 'instance' | 'cursor'>, id: string) => void
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
  /** The connection failed. */
  onEnd: (end: ConnectionEnd) => void
  /** A frame of a WebSocket arrived, with this text: for those who measure. */
  onFrame?: (text: string) => void
}

/** A connection that was opened; its handlers are not called after `close`. */
export interface Connection {
  close(): void
}

/** Opens a connection by a transport. */
export type OpenConnection = (
  transport: Transport,
  request: ConnectionRequest,
  handlers: ConnectionHandlers,
) => Connection
