import type { Closing, Gap, Ready } from '../protocol/control-events.ts'
import type { LoggedEvent } from '../protocol/event.ts'

/** What a sink takes at once. Shared between streams: not to be changed. */
export type Chunk = Uint8Array<ArrayBuffer>

/**
 * Turns events and control messages into what one kind of stream carries. There is one object for each kind: audiences and
 * caches tell encodings apart by identity.
 */
export interface Encoding {
  /** Unique, without spaces. */
  readonly name: string
  event(event: LoggedEvent): Chunk
  /**
   * @param retry milliseconds that the client waits before it reconnects
   * @param movesCursor `false` when a gap follows that the client must receive: cut off before it, the client comes back
   * with the cursor it has
   */
  ready(ready: Ready, retry: number, movesCursor: boolean): Chunk
  gap(gap: Gap): Chunk
  /** Says that the stream lives, and moves the cursor of a client whose channels are quiet. */
  heartbeat(cursor: number, time: Date): Chunk
  /** Keeps the bytes coming between heartbeats, and is no event. */
  readonly comment: Chunk
  /** @param cursor where the client resumes; `undefined` leaves its cursor where it is */
  closing(closing: Closing, cursor: number | undefined): Chunk
  /** Several chunks as one. @param chunks at least one */
  join(chunks: readonly Chunk[]): Chunk
}
