import type { AuthExpiring, Closing, Gap, Ready } from '../protocol/control-events.ts'
import type { LoggedEvent } from '../protocol/event.ts'

/** What a sink takes at once. Shared between streams: not to be changed. */
export type Chunk = Uint8Array<ArrayBuffer>

/**
 * Turns events and control messages into what one kind of stream carries. There is one object for each kind: audiences and
 * caches compare encodings by identity.
 */
export interface Encoding {
  /** Unique, without spaces. */
  readonly name: string
  /** @param epoch the present one, or an earlier one in which the event was in the log already: its id is a cursor */
  event(event: LoggedEvent, epoch: string): Chunk
  /**
   * @param retry milliseconds that the client waits before it reconnects
   * @param movesCursor `false` when a gap follows that the client must receive: cut off before it, the client reconnects
   * with the cursor it has
   */
  ready(ready: Ready, retry: number, movesCursor: boolean): Chunk
  /** @param cursor of `gap.to` */
  gap(gap: Gap, cursor: string): Chunk
  /** Says that the stream lives, and moves the cursor of a client whose channels are quiet. */
  heartbeat(cursor: string, time: Date): Chunk
  authExpiring(expiring: AuthExpiring, cursor: string): Chunk
  /** Keeps the bytes coming between heartbeats, and is no event. Missing where connections are kept alive otherwise. */
  readonly comment?: Chunk
  /** @param cursor where the client resumes; `undefined` leaves its cursor where it is */
  closing(closing: Closing, cursor: string | undefined): Chunk
  /** Several events as one chunk. @param chunks of `event`, at least one */
  join(chunks: readonly Chunk[]): Chunk
}
