import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { AppError } from '../platform/errors.ts'
import { Channel, isReserved, parseChannel } from './channel.ts'
import { CONTROL_EVENTS } from './control-events.ts'
import { MAX_BATCH, MAX_NAME_LENGTH } from './limits.ts'
import { escapeSeparators } from './line-separators.ts'
import { isName, NAME_PATTERN, shown } from './names.ts'
import { Nullable, Position, Time } from './schema.ts'

/** Control events of the stream, and events that the browser's EventSource dispatches itself. */
const RESERVED_TYPES: ReadonlySet<string> = new Set([...Object.keys(CONTROL_EVENTS), 'open', 'error'])

/** The type of an event that is published without one: that of messages without an `event:` line (WHATWG HTML, 9.2.6). */
export const DEFAULT_TYPE = 'message'

/** The type of an event. */
export const EventType = Type.String({
  pattern: NAME_PATTERN,
  description: `1 to ${MAX_NAME_LENGTH} characters without control characters; not ${[...RESERVED_TYPES].join(', ')}`,
  examples: ['order.paid'],
})

/** An event as a client publishes it. */
const EventInput = Type.Object(
  {
    channel: Channel,
    type: Type.Optional({ ...EventType, default: DEFAULT_TYPE }),
    data: Type.Optional(Type.Unknown({ description: 'any JSON; defaults to null', examples: [{ total: 900 }] })),
    key: Type.Optional(
      Nullable(
        Type.String({
          pattern: NAME_PATTERN,
          description:
            'idempotency key, unique within the channel: the same event with the same key is published once; another type or other data is 422',
          examples: ['a1b2c3'],
        }),
      ),
    ),
  },
  { additionalProperties: false, title: 'EventInput' },
)

/** The body of `POST /events`. */
export const Publication = Type.Union([EventInput, Type.Array(EventInput, { minItems: 1, maxItems: MAX_BATCH })])

/** The response to `POST /events`. */
export const Published = Type.Union([
  Type.Object({ position: Position }, { title: 'PublishedEvent' }),
  Type.Object({ positions: Type.Array(Position) }, { title: 'PublishedBatch' }),
])

/** What an event carries on the wire: in the data of a stream's event, and in a page of history. */
export const Envelope = Type.Object({
  channel: Channel,
  type: EventType,
  data: Type.Unknown({ description: 'JSON, as it was published', examples: [{ total: 900 }] }),
  time: Time('when it entered the log'),
})

/** An event of a page of history. */
export const HistoryEvent = Type.Object({ position: Position, ...Envelope.properties }, { title: 'HistoryEvent' })

/** What an event carries on the wire. */
export type Envelope = Static<typeof Envelope>
/** An event of a page of history. */
export type HistoryEvent = Static<typeof HistoryEvent>

/** The envelope of one type of event. @param channel an example */
export const envelopeOf = (channel: string, type: string, data: TSchema) =>
  Type.Object({
    ...Envelope.properties,
    channel: Type.String({ ...Channel, examples: [channel] }),
    type: Type.Literal(type),
    data,
  })

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

/** An event of the log. */
export interface LoggedEvent {
  position: number
  channel: string
  type: string
  /** JSON text, as it was published. */
  data: string
  time: Date
  origin: string | null
}

/**
 * The members of an event's envelope, as JSON text without braces.
 *
 * @param data JSON text: it is sent as it was published
 */
export const envelopeMembers = ({ channel, type, time }: LoggedEvent, data: string): string =>
  `"channel":${JSON.stringify(channel)},"type":${JSON.stringify(type)},"data":${data},"time":"${time.toISOString()}"`

/**
 * Checks one event of a request body: `{ channel, type?, data?, key? }`, whose data is JSON text. A missing type is `message`,
 * missing data is `null`, and a key that is `null` is none.
 *
 * @param maxBytes of the data
 * @throws {AppError} `event.invalid`, `channel.invalid`, `channel.reserved` (403), `type.invalid`, `type.reserved`, `data.too_large`,
 * `key.invalid`
 */
export function parseEvent(value: unknown, maxBytes: number): Omit<NewEvent, 'origin'> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('event.invalid', 'An event is an object: {"channel": …, "type": …, "data": …, "key": …}.')
  }
  const event = value as Record<string, unknown>
  for (const name in event) if (!MEMBERS.has(name)) throw unknownMember(name)
  const { channel, type = DEFAULT_TYPE, data = 'null', key = null } = event
  return {
    channel: parseOpenChannel(channel),
    type: parseType(type),
    data: parseData(data as string, maxBytes),
    key: key === null ? null : parseKey(key),
  }
}

const MEMBERS: ReadonlySet<string> = new Set(Object.keys(EventInput.properties))

const unknownMember = (name: string) =>
  new AppError(
    'event.invalid',
    `An event has no member ${JSON.stringify(name.slice(0, 80))}. It has channel, type, data and key; put members of your own into data.`,
  )

/**
 * Checks the type of an event: 1 to 255 safe characters, and not one of the stream itself.
 *
 * @throws {AppError} `type.invalid`, `type.reserved`
 */
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

/** The name of a channel that clients may publish to. */
function parseOpenChannel(value: unknown): string {
  const channel = parseChannel(value)
  if (!isReserved(channel)) return channel
  throw new AppError(
    'channel.reserved',
    `Channel ${shown(channel)} is for events of the server itself, as are all whose first token is "sse". Choose another.`,
    { status: 403 },
  )
}

/** Checks an idempotency key: 1 to 255 safe characters. @throws {AppError} `key.invalid` */
export function parseKey(key: unknown): string {
  if (isName(key)) return key
  throw new AppError(
    'key.invalid',
    `An idempotency key is text of 1 to ${MAX_NAME_LENGTH} characters without control characters.`,
  )
}

/** Checks a client ID: 1 to 255 safe characters. @throws {AppError} `client_id.invalid` */
export function parseClientId(id: unknown): string {
  if (isName(id)) return id
  throw new AppError(
    'client_id.invalid',
    `A client id is text of 1 to ${MAX_NAME_LENGTH} characters without control characters, unique to a page (crypto.randomUUID() makes one).`,
  )
}

/** The key of one event of a batch that came with a key for the whole: no key of a client holds this separator. */
export const keyWithin = (batchKey: string, index: number): string => `${batchKey}\u001f${index}`

/** Of a UTF-16 unit in UTF-8, when it is a separator that is escaped. */
const MOST_BYTES = 6

/** Checks data, as JSON text. @throws {AppError} `data.too_large` */
export function parseData(text: string, maxBytes: number): string {
  if (MOST_BYTES * text.length <= maxBytes) return text
  // As long as on a stream: several clients read at most 64 KiB for a line.
  checkDataSize(Buffer.byteLength(escapeSeparators(text)), maxBytes)
  return text
}

/** @param bytes of the data as JSON, or fewer @throws {AppError} `data.too_large` */
export function checkDataSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return
  throw new AppError(
    'data.too_large',
    `The data has ${bytes} bytes; at most ${maxBytes} are allowed, as JSON (MAX_EVENT_BYTES). Publish a reference to large data.`,
    { status: 413 },
  )
}
