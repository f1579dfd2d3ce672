import type { Cursor } from './cursor.ts'
import type { Gap, StreamEvent, StreamState } from './protocol.ts'

/** What the leader's connection received, and what every tab hands to its subscriptions. */
export type Broadcast =
  /** The connection brings these channels after this cursor. */
  | { kind: 'now'; channels: readonly string[]; cursor: Cursor }
  /** An event, and the cursor behind it. */
  | { kind: 'event'; event: StreamEvent; cursor: Cursor }
  /** The cursor moved without an event. */
  | { kind: 'cursor'; cursor: Cursor }
  /** Events are no longer available. */
  | { kind: 'gap'; gap: Gap; cursor: Cursor }

/** A message between the tabs of a browser. */
export type Message =
  | Broadcast
  /** The state of the connection changed. */
  | { kind: 'state'; state: StreamState }
  /** A tab is present, and follows these channels. A new one requests the state and the cursor of the leader's connection. */
  | { kind: 'want'; tab: string; channels: readonly string[]; isNew: boolean }
  /** The leader is to connect again when the server has refused the stream. */
  | { kind: 'retry' }
  /** A new leader requests a `want` of every tab. */
  | { kind: 'who' }

/** Version of the messages: tabs that were loaded before an update of the page share with each other, not with newer ones. */
export const MESSAGES_VERSION = 4
