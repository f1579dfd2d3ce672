import type { Gap, Ready } from '../protocol/control-events.ts'
import type { CloseReason } from '../telemetry/telemetry.ts'
import type { Encoding } from './encoding.ts'
import type { ReplayStep } from './replay.ts'
import type { Selection } from './selection.ts'
import type { Sink } from './sink.ts'

/** What a cursor works with, and where it begins. */
export interface CursorOptions {
  /** Of the connection, unique in the instance. */
  id: string
  /** Of the client; `null` when it sent none. */
  clientId: string | null
  /** See `Subscription.isProxied`. */
  isProxied?: boolean
  sink: Sink
  /** What it follows at first; see `Cursor.follow`. */
  selection: Selection
  encoding: Encoding
  /** Position after which it begins. */
  start: number
  /** The first message. */
  ready: Ready
  /** Follows right after that. */
  gap: Gap | undefined
  /** Milliseconds that the client waits before it reconnects. */
  retry: number
  /** Milliseconds without an event before a heartbeat. */
  heartbeat: number
  /** Milliseconds without progress before it is closed; `0` never. */
  stallTimeout: number
  /** Position up to which every live cursor has been served. */
  served: () => number
  /** Epoch of that position, and of every cursor's. */
  epoch: () => string
  /** Before each step of catching up: `undefined` when it may be done at once, else a promise of the turn in which it may. */
  turn: () => Promise<void> | undefined
  /** What comes after a cursor of a selection, up to `served()`. */
  replay: (cursor: number, selection: Selection) => ReplayStep | Promise<ReplayStep>
  /** Events of a replay were handed to the sink. */
  onReplayed: (events: number, bytes: number) => void
  /** Called when the cursor is beyond `served()`: call `advance()` when that has grown. */
  onAhead: () => void
  onClose: (reason: CloseReason) => void
  onError: (error: unknown) => void
}
