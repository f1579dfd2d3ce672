import type { AuthExpiring, Closing, Gap, Heartbeat, Ready } from '../../protocol/control-events.ts'
import { formatCursor } from '../../protocol/cursor.ts'
import { envelopeMembers, type LoggedEvent } from '../../protocol/event.ts'
import { escapeSeparators } from '../../protocol/line-separators.ts'
import { onOneLine } from '../one-line.ts'

const encoder = new TextEncoder()
const LF = 0x0a

/**
 * The bytes of one event on an event stream (WHATWG HTML, 9.2.6 "Interpreting an event stream"): `event:`, `data:`, and
 * `id:` last, because several clients store the id when its line arrives. With the id first, a connection that ends
 * inside the frame makes them resume after an event that they never delivered.
 *
 * The data is one line: a line break in JSON is white space, and becomes a space. As a `data:` line of its own, each would
 * make the frame six bytes longer. What some clients take for a line break is escaped.
 */
export function eventFrame(event: LoggedEvent, epoch: string): Uint8Array<ArrayBuffer> {
  const data = `{${envelopeMembers(event, onOneLine(escapeSeparators(event.data)))}}`
  return encoder.encode(frame({ event: event.type, data, id: formatCursor(event.position, epoch) }))
}

/**
 * The frame of an event without its `event:` line, which is the first: an EventSource gives it to `onmessage`, whatever
 * its type. Shares the memory of the frame.
 */
export const withoutName = (frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  frame.subarray(frame.indexOf(LF) + 1)

/**
 * @param retry milliseconds that the client waits before it reconnects
 * @param movesCursor `false` when a gap follows that the client must receive: when the connection ends before it, the client
 * reconnects with the cursor that it has
 */
export const readyFrame = (ready: Ready, retry: number, movesCursor = true): Uint8Array<ArrayBuffer> =>
  encoder.encode(
    frame({ event: 'ready', data: JSON.stringify(ready), retry, id: movesCursor ? ready.cursor : undefined }),
  )

/** @param cursor of `gap.to` */
export const gapFrame = (gap: Gap, cursor: string): Uint8Array<ArrayBuffer> =>
  encoder.encode(frame({ event: 'gap', data: JSON.stringify(gap), id: cursor }))

/** Says that the connection lives, and moves the cursor of a client whose channels are quiet. */
export const heartbeatFrame = (cursor: string, time: Date): Uint8Array<ArrayBuffer> =>
  encoder.encode(
    frame({
      event: 'heartbeat',
      data: JSON.stringify({ time: time.toISOString() } satisfies Heartbeat),
      id: cursor,
    }),
  )

/** The token of the stream expires soon. */
export const authExpiringFrame = (expiring: AuthExpiring, cursor: string): Uint8Array<ArrayBuffer> =>
  encoder.encode(frame({ event: 'auth-expiring', data: JSON.stringify(expiring), id: cursor }))

/**
 * A comment between two frames: resets the read timeout of a client, and is no event. No blank line follows it, because
 * several clients take every blank line for the end of a message, and deliver an empty one.
 */
export const COMMENT: Uint8Array<ArrayBuffer> = encoder.encode(':\n')

/** @param cursor where the client resumes; `undefined` leaves its cursor where it is */
export const closingFrame = (closing: Closing, cursor: string | undefined): Uint8Array<ArrayBuffer> =>
  encoder.encode(frame({ event: 'closing', data: JSON.stringify(closing), retry: closing.retry, id: cursor }))

/** Several frames as one chunk. */
export function concatenate(frames: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only] = frames
  if (frames.length === 1 && only) return only
  // In one native call, which takes half the time of one for each frame.
  return Buffer.concat(frames)
}

interface Fields {
  event: string
  data: string
  /** Never without an event: several clients deliver a frame of `retry:` alone as an empty message. */
  retry?: number
  /** A cursor; `undefined` leaves the client's where it is. */
  id: string | undefined
}

/** @param data without line breaks */
function frame({ event, data, retry, id }: Fields): string {
  const retryLine = retry === undefined ? '' : `retry: ${retry}\n`
  const idLine = id === undefined ? '' : `id: ${id}\n`
  return `event: ${event}\ndata: ${data}\n${retryLine}${idLine}\n`
}
