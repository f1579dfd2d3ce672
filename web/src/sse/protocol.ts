// The contract with the server, as the browser sees it. Types alone: no schema gets into the bundle.

export type { Closing, Gap, Ready } from '../../../server/protocol/control-events.ts'

/** An event of the log: the same from a stream, whose ID is its cursor, and from a page of history. */
export type { HistoryEvent as StreamEvent } from '../../../server/protocol/event.ts'

export type { HistoryPage } from '../../../server/protocol/history.ts'

/** How events reach the browser: an event stream, a WebSocket, or requests that wait for a page (long-polling). */
export type Transport = 'sse' | 'websocket' | 'poll'

/** What a stream is doing, for people to see. */
export type StreamState =
  | { name: 'connecting' }
  /** A session is being begun or renewed, before the stream is connected. */
  | { name: 'signing in' }
  /** Connected; the events that were missed are being received. */
  | { name: 'catching up' }
  /** @property instance name of the server's instance, where the transport tells it */
  | { name: 'live'; instance: string; transport: Transport }
  /** The server is unreachable, or it closed the stream; `at` is when the next try begins, in milliseconds since the epoch. `reason` is there when the session is not accepted. */
  | { name: 'waiting'; at: number; reason?: string }
  /** The browser has no network. */
  | { name: 'offline' }
  /** The server refuses the request or the token, and would refuse it again. */
  | { name: 'refused'; reason: string }
  /** The server says that no event will follow. */
  | { name: 'over' }
  | { name: 'closed' }
