import type { Logger } from '../platform/logger.ts'
import { jittered } from '../platform/time.ts'
import type { Gap } from '../protocol/control-events.ts'
import { formatCursor } from '../protocol/cursor.ts'
import type { Transport } from '../protocol/transport.ts'
import type { CloseReason, Telemetry } from '../telemetry/telemetry.ts'
import { Cursor } from './cursor.ts'
import type { Encoding } from './encoding.ts'
import type { Owner } from './quotas.ts'
import type { Replay } from './replay.ts'
import type { Selection } from './selection.ts'
import type { Sink } from './sink.ts'

/** What a stream subscribes to, and where it begins. */
export interface Subscription {
  selection: Selection
  encoding: Encoding
  sink: Sink
  /** How the client is connected, for telemetry. */
  transport: Transport
  /** Of the client, which has one stream at most; `null` when it sent none. */
  clientId: string | null
  /** Whose stream it is. Defaults to one without limits. */
  owner?: Owner
  /** Position after which the stream begins. */
  cursor: number
  /** Whether the cursor is the client's. */
  resumed: boolean
  /** Position of the oldest event kept. */
  oldest: number
  /** Whether the client is behind a proxy, which returns an error status while no instance is available. Defaults to `false`. */
  isProxied?: boolean
  /** Sent right after `ready`. */
  gap?: Gap | undefined
  /** Milliseconds without an event before a heartbeat. Defaults to the instance's. */
  heartbeat?: number
  /** Called once, when the stream has ended, whatever the reason. */
  onEnd?: () => void
}

/** What decides whether a stream may be opened. */
export type SubscriptionRequest = Pick<Subscription, 'selection' | 'encoding' | 'clientId' | 'isProxied' | 'owner'>

/** What all cursors of an instance share. */
export interface CursorDefaults {
  replay: Replay
  telemetry: Telemetry
  logger: Logger
  /** Milliseconds without an event before a heartbeat. */
  heartbeat: number
  /** Milliseconds without progress before a stream is closed; `0` never. */
  stallTimeout: number
  /** Milliseconds that clients wait before they reconnect. Each client is sent a time between this and twice this. */
  retry: number
  /** Name of this instance, sent in `ready`. */
  instance: string
}

/** What a cursor needs of the hub that opens it. */
export interface CursorOwner {
  /** Position up to which every live cursor was served. */
  served: () => number
  /** Epoch of that position, and of the positions of all cursors. */
  epoch: () => string
  /** See `CursorOptions.turn`. */
  turn: () => Promise<void> | undefined
  /** See `CursorOptions.onAhead`. */
  onAhead: (cursor: Cursor) => void
  onClose: (cursor: Cursor, reason: CloseReason) => void
}

/** Makes the cursor of a subscription, which writes `ready` at once. @param id of the connection, unique in the instance */
export function createCursor(
  id: string,
  subscription: Subscription,
  { replay, telemetry, logger, stallTimeout, retry, instance, ...defaults }: CursorDefaults,
  { served, epoch, turn, onAhead, onClose }: CursorOwner,
): Cursor {
  const { selection, encoding, sink, clientId, cursor: start, resumed, oldest, isProxied = false, gap } = subscription
  const { heartbeat = defaults.heartbeat } = subscription
  const ready = {
    connection: id,
    instance,
    channels: selection.patterns,
    cursor: formatCursor(start, epoch()),
    oldest,
    head: served(),
    resumed,
  }
  const cursor: Cursor = new Cursor({
    id,
    clientId,
    isProxied,
    sink,
    selection,
    encoding,
    start,
    ready: { ...ready, heartbeat },
    gap,
    retry: jittered(retry),
    heartbeat,
    stallTimeout,
    served,
    epoch,
    turn,
    replay: (after, followed) =>
      replay.next({ cursor: after, through: served(), selection: followed, encoding, clientId }),
    onReplayed: (events, bytes) => telemetry.delivered(events, bytes),
    onAhead: () => onAhead(cursor),
    onClose: (reason) => onClose(cursor, reason),
    onError: (error) => logger.error({ err: error, connection: id }, 'a connection failed'),
  })
  return cursor
}
