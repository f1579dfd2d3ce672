import type { CloseReason } from '../telemetry/telemetry.ts'
import type { Chunk } from './encoding.ts'

/** Where a cursor writes: one client of some transport. */
export interface Sink {
  /** Whether the client has taken what was written. When that becomes so, the transport calls `Cursor.resume`. */
  readonly wantsMore: boolean
  /** Called only while `wantsMore`, except for the first chunk and gaps. */
  write(chunk: Chunk): void
  /** Ends the stream; nothing is written after it. @param last goes out before the end, if the client still takes it. @param reason for transports that say it otherwise too */
  close(last: Chunk | undefined, reason: CloseReason): void
}
