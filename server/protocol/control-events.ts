// What a stream says besides the events of the log, whatever carries it.

/** The first frame of a stream. */
export interface Ready {
  /** Name of the connection, for logs. */
  connection: string
  /** Name of the instance that serves the stream. */
  instance: string
  /** Patterns of the channels that the stream follows. */
  channels: readonly string[]
  /** Cursor after which events follow. */
  cursor: string
  /** Position of the oldest event that is kept. */
  oldest: number
  /** Position of the newest event: up to there the stream catches up. */
  head: number
  /** Whether the client brought a cursor. */
  resumed: boolean
  /** Milliseconds of silence after which a heartbeat comes. */
  heartbeat: number
}

/** Events that the client did not get and can't get any more. */
export interface Gap {
  /** The client's cursor; `null` when it is not a position at all. */
  from: number | null
  /** Position after which events follow. */
  to: number
  /**
   * `purged`: retention dropped them. `unknown`: the cursor is not of this log. `lost`: they are missing from the log,
   * because rows were deleted.
   */
  reason: 'purged' | 'unknown' | 'lost'
}

/** The last frame of a stream that the server ends. */
export interface Closing {
  /**
   * `drain`: the instance stops. `full`: it has as many streams as it takes. `unavailable`: Postgres is out of reach, and
   * the cursor needs it. `replaced`: the same `clientId` has opened another stream. `stalled`: the client did not read.
   * `error`: a failure of the server.
   */
  reason: 'drain' | 'full' | 'unavailable' | 'replaced' | 'stalled' | 'error'
  /** Milliseconds that the client waits before it reconnects. */
  retry: number
}
