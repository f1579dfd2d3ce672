import type { LoggedEvent } from './event.ts'

const encoder = new TextEncoder()

/**
 * The bytes of one event on an event stream (WHATWG HTML, 9.2.6 "Interpreting an event stream"). A line break in the
 * data becomes one between `data:` lines, which a parser joins with LF: JSON stays the same JSON.
 */
export function eventFrame({ position, channel, type, data, time }: LoggedEvent): Uint8Array<ArrayBuffer> {
  const envelope = `{"channel":${JSON.stringify(channel)},"type":${JSON.stringify(type)},"data":${data},"time":"${time.toISOString()}"}`
  return encoder.encode(frame({ id: position, event: type, data: envelope }))
}

/** The frame of an event without its `event:` line: an EventSource gives it to `onmessage`, whatever its type. */
export function withoutName(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const start = frame.indexOf(LINE_FEED) + 1
  return concatenate([frame.subarray(0, start), frame.subarray(frame.indexOf(LINE_FEED, start) + 1)])
}

const LINE_FEED = 0x0a

/** The first frame of a stream. */
export interface Ready {
  /** Name of the connection, for logs. */
  connection: string
  /** Position after which events follow. */
  cursor: number
  /** Position of the oldest event that is kept. */
  oldest: number
  /** Position of the newest event: up to there the stream catches up. */
  head: number
  /** Name of the instance that answers. */
  instance: string
  /** Whether the client brought a cursor. */
  resumed: boolean
  /** Milliseconds of silence after which a heartbeat comes. */
  heartbeat: number
}

/**
 * @param retry milliseconds that the client waits before it reconnects
 * @param movesCursor `false` when a gap follows that the client must hear of: cut off before it, it comes back with the
 * cursor it has
 */
export function readyFrame(ready: Ready, retry: number, movesCursor = true): Uint8Array<ArrayBuffer> {
  const fields = { event: 'ready', data: JSON.stringify(ready), ...(movesCursor && { id: ready.cursor }) }
  return encoder.encode(`retry: ${retry}\n${frame(fields)}`)
}

/** Events that the client did not get and can't get any more. */
export interface Gap {
  /** The client's cursor. */
  from: number
  /** Position after which events follow. */
  to: number
  /**
   * `purged`: retention dropped them. `unknown`: the cursor lies beyond the log's head, so it is not of this log. `lost`:
   * they are missing from the log, because rows were deleted.
   */
  reason: 'purged' | 'unknown' | 'lost'
}

export const gapFrame = (gap: Gap): Uint8Array<ArrayBuffer> =>
  encoder.encode(frame({ id: gap.to, event: 'gap', data: JSON.stringify(gap) }))

/** Says that the connection lives, and moves the cursor of a client whose channels are quiet. */
export const heartbeatFrame = (cursor: number, time: Date): Uint8Array<ArrayBuffer> =>
  encoder.encode(frame({ id: cursor, event: 'heartbeat', data: `{"time":"${time.toISOString()}"}` }))

/** Tells the client how many milliseconds to wait before it reconnects; no event. */
export const retryFrame = (ms: number): Uint8Array<ArrayBuffer> => encoder.encode(`retry: ${ms}\n\n`)

/** Several frames as one chunk. */
export function concatenate(frames: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only] = frames
  if (frames.length === 1 && only) return only
  const chunk = new Uint8Array(frames.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let offset = 0
  for (const bytes of frames) {
    chunk.set(bytes, offset)
    offset += bytes.byteLength
  }
  return chunk
}

function frame({ id, event, data }: { id?: number; event: string; data: string }): string {
  const lines = /[\r\n]/.test(data) ? data.split(/\r\n|\r|\n/).join('\ndata: ') : data
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${lines}\n\n`
}
