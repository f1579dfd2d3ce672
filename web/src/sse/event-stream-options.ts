import type { OpenConnection } from './connection.ts'
import type { Cursor, StartingPoint } from './cursor.ts'
import type { Gap, StreamEvent, StreamState } from './protocol.ts'
import type { GetToken, Session } from './session.ts'
import type { TransportOption } from './transport-choice.ts'

/** What a stream follows, and what it calls back with. */
export interface EventStreamOptions {
  /** Patterns of channels, such as `orders.>`. */
  channels: readonly string[]
  /** Cursor to begin after. Defaults to the head of the log. */
  after?: StartingPoint | undefined
  /** The page's own events (published with this as `X-Client-Id`) are left out. */
  clientId?: string | undefined
  /** Address of the stream. Defaults to `/events`. */
  url?: string
  /** Defaults to `auto`: an event stream, and long-polling where none gets through. */
  transport?: TransportOption | undefined
  /** Opens each connection, where something is to be measured or broken on the way. Defaults to `openConnection`. */
  connect?: OpenConnection | undefined
  /** Begins and renews the session. Without it, the stream uses the browser's cookie as it is. */
  getToken?: GetToken | undefined
  /** The session, where the caller has one; `getToken` is ignored then. */
  session?: Session | undefined
  /** Connected: events on these channels after this cursor follow. */
  onReady?: (cursor: Cursor, channels: readonly string[]) => void
  /** An event, and the cursor behind it. */
  onEvent?: (event: StreamEvent, cursor: string) => void
  /** Events are no longer available; the stream continues behind the gap, at this cursor. */
  onGap?: (gap: Gap, cursor: string) => void
  /** The cursor moved without an event. */
  onCursor?: (cursor: string) => void
  /** The state changed. */
  onState?: (state: StreamState) => void
  /** Returns numbers from 0 to 1, for the jitter of the back-off. Defaults to `Math.random`. */
  random?: () => number
}

/** A stream that is open until `close`. */
export interface EventStream {
  /** Everything up to here has arrived: what another stream begins after. `undefined` before the first connection. */
  readonly cursor: string | undefined
  /** Follows other channels from now on, from the same cursor. */
  follow(channels: readonly string[]): void
  /** Connects again, after a sign-in, when the server has refused the stream. */
  retry(): void
  /** Closes the stream for good. */
  close(): void
}
