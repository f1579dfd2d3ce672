/** An event of the log, as it arrived. */
export interface StreamEvent {
  /** Its place in the log: what a stream that goes on begins after. */
  position: number
  channel: string
  type: string
  data: unknown
  /** When it entered the log; RFC 3339. */
  time: string
}

/** Events that can't be had any more: refetch what you show. */
export interface Gap {
  /** The cursor; `null` when it was not a position. */
  from: number | null
  to: number
  /**
   * `purged`: they were too old to be kept. `unknown`: the cursor is not of this log (a restored backup). `lost`: they are
   * missing from the log.
   */
  reason: 'purged' | 'unknown' | 'lost'
}

/** The first event of a stream. */
export interface Ready {
  connection: string
  instance: string
  /** Patterns of the channels that the stream follows. */
  channels: readonly string[]
  cursor: string
  oldest: number
  head: number
  resumed: boolean
  /** Milliseconds of silence after which a heartbeat comes. */
  heartbeat: number
}

/** The last event of a stream that the server ends. */
export interface Closing {
  /** Such as `drain` (the instance stops) or `full` (it has as many streams as it takes). */
  reason: string
  /** Milliseconds until the client reconnects. */
  retry: number
}

export type StreamState =
  | { name: 'connecting' }
  /** Connected; what was missed is coming. */
  | { name: 'catching up' }
  | { name: 'live'; instance: string }
  /** The server can't be reached, or it closed; `at` is when the next try begins, in milliseconds since the epoch. */
  | { name: 'waiting'; at: number }
  /** The browser has no network. */
  | { name: 'offline' }
  /** The server refuses what was asked for; the same request would be refused again. */
  | { name: 'refused'; reason: string }
  /** The server says that nothing more will ever come. */
  | { name: 'over' }
  | { name: 'closed' }
