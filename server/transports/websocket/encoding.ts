import type { Chunk, Encoding } from '../../fanout/encoding.ts'
import { formatCursor } from '../../protocol/cursor.ts'
import { envelopeMembers, type LoggedEvent } from '../../protocol/event.ts'

const encoder = new TextEncoder()

const [OPEN, COMMA, CLOSE] = [0x5b, 0x2c, 0x5d] as const

/**
 * What a text message carries: `{ "id", "event", "data" }`, as UTF-8. A message arrives as a whole or not at all, so that the
 * order of its members does not matter.
 */
interface Message {
  event: string
  /** JSON text. */
  data: string
  /** A cursor; `undefined` leaves the client's where it is. */
  id?: string | undefined
  /** Milliseconds that the client waits before it reconnects. */
  retry?: number
}

const encode = ({ event, data, id, retry }: Message): Chunk => {
  const idMember = id === undefined ? '' : `"id":${JSON.stringify(id)},`
  const retryMember = retry === undefined ? '' : `,"retry":${retry}`
  return encoder.encode(`{${idMember}"event":${JSON.stringify(event)},"data":${data}${retryMember}}`)
}

const control = (event: string, data: object, id?: string, retry?: number): Chunk =>
  encode({ event, data: JSON.stringify(data), id, ...(retry !== undefined && { retry }) })

/** The answer to a message of the client. It has no `id`: the client's cursor stays where it is. */
export const answer = (event: string, data: object): string =>
  JSON.stringify({ event, data } satisfies { event: string; data: object })

/** Messages of a WebSocket whose data is the envelope of an event. */
export const WEBSOCKET: Encoding = {
  name: 'websocket',
  event: (event: LoggedEvent, epoch) =>
    encode({
      event: event.type,
      data: `{${envelopeMembers(event, event.data)}}`,
      id: formatCursor(event.position, epoch),
    }),
  ready: (ready, retry, movesCursor) => control('ready', ready, movesCursor ? ready.cursor : undefined, retry),
  gap: (gap, cursor) => control('gap', gap, cursor),
  heartbeat: (cursor, time) => control('heartbeat', { time: time.toISOString() }, cursor),
  authExpiring: (expiring, cursor) => control('auth-expiring', expiring, cursor),
  closing: (closing, cursor) => control('closing', closing, cursor, closing.retry),
  join: toArray,
}

/** Messages of a WebSocket whose data is the published value itself (`data=raw`). Control events are the same. */
const RAW_WEBSOCKET: Encoding = {
  ...WEBSOCKET,
  name: 'websocket-raw',
  event: ({ type, data, position }, epoch) => encode({ event: type, data, id: formatCursor(position, epoch) }),
}

/** The encoding of a WebSocket. @param data what the data of events is: an envelope, or the published value itself */
export const socketEncoding = (data: 'envelope' | 'raw'): Encoding => (data === 'raw' ? RAW_WEBSOCKET : WEBSOCKET)

/** Several messages as one: an array of them. A single one stays as it is. */
function toArray(messages: readonly Chunk[]): Chunk {
  const [only] = messages
  if (messages.length === 1 && only) return only
  // A bracket or a comma before each, and a bracket at the end.
  const array = new Uint8Array(messages.reduce((sum, { byteLength }) => sum + byteLength + 1, 1))
  let offset = 0
  for (const bytes of messages) {
    array[offset] = offset === 0 ? OPEN : COMMA
    array.set(bytes, offset + 1)
    offset += bytes.byteLength + 1
  }
  array[offset] = CLOSE
  return array
}
