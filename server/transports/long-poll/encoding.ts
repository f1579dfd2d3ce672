import type { Chunk, Encoding } from '../../fanout/encoding.ts'
import type { Closing, Gap } from '../../protocol/control-events.ts'
import { eventJson } from '../history/page.ts'
import { onOneLine } from '../one-line.ts'

const encoder = new TextEncoder()
const bytesOf = (text: string): Chunk => encoder.encode(text)

/** A message that no page carries. */
export const NOTHING: Chunk = new Uint8Array()

/** What a cursor says besides events, as the first byte of a chunk. Events begin with a brace. */
export const MARK = { gap: 0x47, heartbeat: 0x48, closing: 0x43, event: 0x7b } as const

const marked = (mark: number, value: object): Chunk => bytesOf(String.fromCharCode(mark) + JSON.stringify(value))

/** What follows the mark of a gap, a heartbeat, or `closing`. */
export interface ControlMessage {
  /** Where the client resumes; missing when its cursor stays where it is. */
  cursor?: string
  gap?: Gap
  closing?: Closing
}

/**
 * Chunks of a request that waits for a page. Each event is one line, and lines are separated by `,\n`: so the sink can cut a
 * chunk at the limit of the request without parsing it.
 */
export const PAGE: Encoding = {
  name: 'page',
  event: (event) => bytesOf(eventJson(event, onOneLine(event.data))),
  ready: () => NOTHING,
  gap: (gap, cursor) => marked(MARK.gap, { gap, cursor }),
  heartbeat: (cursor) => marked(MARK.heartbeat, { cursor }),
  authExpiring: () => NOTHING,
  closing: (closing, cursor) => marked(MARK.closing, { closing, cursor }),
  join: (events) => joined(events),
}

const SEPARATOR = bytesOf(',\n')

function joined(events: readonly Chunk[]): Chunk {
  const [only] = events
  if (events.length === 1 && only) return only
  const size = events.reduce((sum, { byteLength }) => sum + byteLength, (events.length - 1) * SEPARATOR.byteLength)
  const chunk = new Uint8Array(size)
  let offset = 0
  for (const bytes of events) {
    if (offset > 0) {
      chunk.set(SEPARATOR, offset)
      offset += SEPARATOR.byteLength
    }
    chunk.set(bytes, offset)
    offset += bytes.byteLength
  }
  return chunk
}
