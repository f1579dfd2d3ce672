import { AppError } from '../platform/errors.ts'
import { parseChannel } from './channel.ts'
import { isSafe } from './names.ts'

/** An event on its way into the log. */
export interface NewEvent {
  channel: string
  type: string
  /** JSON text. */
  data: string
  /** `X-Client-Id` of the page that caused it; that page's own streams leave it out. */
  origin: string | null
  /** Idempotency key, unique within the channel. */
  key: string | null
}

/** An event as it lies in the log. */
export interface LoggedEvent {
  position: number
  channel: string
  type: string
  /** JSON text, as it was published. */
  data: string
  time: Date
  origin: string | null
}

/** Most events of one request. */
export const MAX_BATCH = 1000

/** Most characters of a type, a key or a client's id. */
const MAX_NAME_LENGTH = 255

/** What the stream itself says, and what the browser's EventSource dispatches of its own. */
const RESERVED_TYPES: ReadonlySet<string> = new Set(['ready', 'gap', 'heartbeat', 'closing', 'open', 'error'])

/**
 * Checks one event of a request body: `{ channel, type, data?, key? }`, whose data is JSON text. Missing data is `null`, and
 * a key that is `null` is none.
 *
 * @throws {AppError} `event.invalid`, `channel.invalid`, `type.invalid`, `type.reserved`, `data.too_large`,
 * `key.invalid`
 */
export function parseEvent(value: unknown, maxBytes: number): Omit<NewEvent, 'origin'> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('event.invalid', 'An event is an object: {"channel": …, "type": …, "data": …, "key": …}.')
  }
  const { channel, type, data = 'null', key = null, ...others } = value as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw new AppError(
      'event.invalid',
      `An event has no member ${JSON.stringify(unknown.slice(0, 80))}. It has channel, type, data and key; put what is yours into data.`,
    )
  }
  return {
    channel: parseChannel(channel),
    type: parseType(type),
    data: parseData(data as string, maxBytes),
    key: key === null ? null : parseKey(key),
  }
}

/** @throws {AppError} `type.invalid`, `type.reserved` */
export function parseType(type: unknown): string {
  if (!isName(type)) {
    throw new AppError(
      'type.invalid',
      `A type is text of 1 to ${MAX_NAME_LENGTH} characters without control characters, such as "order.paid".`,
    )
  }
  if (RESERVED_TYPES.has(type)) {
    throw new AppError(
      'type.reserved',
      `Type "${type}" is the stream's own, as are ${[...RESERVED_TYPES].join(', ')}. Choose another.`,
    )
  }
  return type
}

/** @throws {AppError} `key.invalid` */
export function parseKey(key: unknown): string {
  if (isName(key)) return key
  throw new AppError(
    'key.invalid',
    `An idempotency key is text of 1 to ${MAX_NAME_LENGTH} characters without control characters.`,
  )
}

/** @throws {AppError} `client_id.invalid` */
export function parseClientId(id: unknown): string {
  if (isName(id)) return id
  throw new AppError(
    'client_id.invalid',
    `A client id is text of 1 to ${MAX_NAME_LENGTH} characters without control characters, unique to a page (crypto.randomUUID() makes one).`,
  )
}

/** The key of one event of a batch that came with a key for the whole: no key of a client holds this separator. */
export const keyWithin = (batchKey: string, index: number): string => `${batchKey}\u001f${index}`

function parseData(text: string, maxBytes: number): string {
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return text
  throw new AppError(
    'data.too_large',
    `The data has ${bytes} bytes as JSON; at most ${maxBytes} are allowed (MAX_EVENT_BYTES). Publish a reference to large data.`,
    { status: 413 },
  )
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length > 0 &&
  [...value.slice(0, 2 * MAX_NAME_LENGTH + 1)].length <= MAX_NAME_LENGTH &&
  isSafe(value) &&
  value.isWellFormed()
