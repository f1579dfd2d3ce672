import { type Actor, checkPublish } from '../../auth/actor.ts'
import type { Bodies } from '../../http/body.ts'
import type { Incoming } from '../../http/client-address.ts'
import { urlOf } from '../../http/request-url.ts'
import { AppError } from '../../platform/errors.ts'
import { Slice } from '../../platform/event-loop.ts'
import { keyWithin, type NewEvent, parseEvent, parseKey } from '../../protocol/event.ts'
import { readEvents } from './publication.ts'
import { readValue, valueKindOf } from './value.ts'

/** What a request publishes, and whether it was an array. */
export interface Publication {
  events: NewEvent[]
  isBatch: boolean
}

/** How bodies are read, and their limits in bytes. */
export interface PublicationOptions {
  bodies: Bodies
  maxEventBytes: number
  maxRequestBytes: number
}

/**
 * Reads and checks a request that publishes. With a channel in the query, the body is the data of one event; otherwise it is
 * one event or an array of them.
 *
 * @throws {AppError} what `Bodies.readJson` throws, `body.invalid`, `body.not_text`, `channel.missing`, `batch.empty`,
 * `batch.too_large`, and what is wrong with an event; of an array, the member `event` is then its index
 */
export async function readPublication(
  incoming: Incoming,
  actor: Actor,
  options: PublicationOptions,
): Promise<Publication> {
  const query = queryOf(incoming.request)
  if (query.has('channel')) return readData(incoming, query, actor, options)
  checkIsEnvelope(incoming.request, query)
  return readEnvelopes(incoming, actor, options)
}

const NO_QUERY = new URLSearchParams()

/** Most requests have none, and a URL is parsed for nothing. */
const queryOf = (request: Request) => (request.url.includes('?') ? urlOf(request).searchParams : NO_QUERY)

/** The body is the data itself; what the query says of the event is checked before it is read. */
async function readData(
  incoming: Incoming,
  query: URLSearchParams,
  actor: Actor,
  { bodies, maxEventBytes, maxRequestBytes }: PublicationOptions,
): Promise<Publication> {
  const { request } = incoming
  const type = query.get('type')
  const { key, ...event } = parseEvent(
    { channel: query.get('channel'), key: query.get('key'), ...(type !== null && { type }) },
    maxEventBytes,
  )
  checkPublish(actor, event.channel)
  const givenKey = requestKeyOf(request)
  const kind = valueKindOf(request)
  return bodies.read(incoming, maxRequestBytes, async (bytes) => {
    const data = await readValue(bytes, kind, maxEventBytes)
    return { events: [{ ...event, data, key: key ?? givenKey, origin: actor.clientId }], isBatch: false }
  })
}

/** @throws {AppError} `channel.missing` for a type or a key in the query; `body.not_json` (415) for text */
function checkIsEnvelope({ headers }: Request, query: URLSearchParams): void {
  const given = ['type', 'key'].find((name) => query.has(name))
  if (given !== undefined) {
    throw new AppError(
      'channel.missing',
      `The query has a ${given} but no channel: with ?channel=…, the body is the data of one event. To publish an event object or an array, put the ${given} into the body.`,
    )
  }
  if (/^text\//i.test(headers.get('content-type') ?? '')) {
    throw new AppError(
      'body.not_json',
      'Text is published to a channel in the query, as in POST /events?channel=news.1&type=news.added. Without one, send JSON, with the header "Content-Type: application/json".',
      { status: 415 },
    )
  }
}

const requestKeyOf = ({ headers }: Request): string | null => {
  const header = headers.get('idempotency-key')
  return header === null ? null : parseKey(header)
}

/** The body is one event or an array of them. */
async function readEnvelopes(incoming: Incoming, actor: Actor, options: PublicationOptions): Promise<Publication> {
  const requestKey = requestKeyOf(incoming.request)
  return options.bodies.readJson(incoming, options.maxRequestBytes, async (bytes) => {
    const { events: written, isBatch } = await readEvents(bytes)
    const slice = new Slice()
    const events: NewEvent[] = []
    for (const [index, value] of written.entries()) {
      const { channel, type, data, key } = isBatch
        ? parseMember(value, index, options.maxEventBytes)
        : parseEvent(value, options.maxEventBytes)
      checkPublish(actor, channel)
      const givenKey = isBatch && requestKey !== null ? keyWithin(requestKey, index) : requestKey
      events.push({ channel, type, data, key: key ?? givenKey, origin: actor.clientId })
      if (slice.isOver) await slice.next()
    }
    if (events.length === 0) throw new AppError('batch.empty', 'The array holds no event.')
    return { events, isBatch }
  })
}

function parseMember(value: unknown, index: number, maxBytes: number) {
  try {
    return parseEvent(value, maxBytes)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { code, status } = error
    throw new AppError(code, `Event ${index} of the array: ${error.message} Nothing was published.`, {
      status,
      extensions: { event: index },
    })
  }
}
