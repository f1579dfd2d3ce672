import Negotiator from 'negotiator'
import { type Actor, checkPublish, checkSubscribe } from '../auth/actor.ts'
import type { Bodies } from '../http/body.ts'
import type { Incoming } from '../http/client-address.ts'
import type { KnownParameters } from '../http/query-parameters.ts'
import { AppError } from '../platform/errors.ts'
import { Slice } from '../platform/event-loop.ts'
import { isReserved, parsePattern } from '../protocol/channel.ts'
import { type LogCursor, parseLogCursor } from '../protocol/cursor.ts'
import { keyWithin, type NewEvent, parseEvent, parseKey, parseType } from '../protocol/event.ts'
import { HISTORY_PAGE, MAX_PATTERNS, MAX_TYPES, MAX_WAIT } from '../protocol/limits.ts'
import { readEvents } from './publish/publication.ts'

/** Where a reader wants to begin: after a cursor, at the oldest event kept, or (`undefined`) at the head. */
export type RequestedCursor = LogCursor | 'earliest' | undefined

/** Of a stream, which takes any id: `unknown` is one that no server of this kind has given. */
export type StreamCursor = RequestedCursor | 'unknown'

/** Query parameters of the stream. */
export const STREAM_PARAMETERS: KnownParameters = {
  single: ['lastEventId', 'clientId', 'named'],
  repeatable: ['channel'],
  more: 'Pages of history take others: send "Accept: application/json".',
}
/** Of publishing, which has none. */
export const PUBLISH_PARAMETERS: KnownParameters = {
  single: [],
  repeatable: [],
  more: 'Channel, type and data go into the body.',
}
/** Of a page of history that reads forward. */
export const HISTORY_PARAMETERS: KnownParameters = {
  single: ['after', 'limit', 'wait', 'clientId'],
  repeatable: ['channel'],
  more: 'Pages that are read backward also take type, since and until: add "before=latest".',
}
/** Of a page of history that reads backward: with `before`, `type`, `since` or `until`. */
export const LOOK_BACK_PARAMETERS: KnownParameters = {
  single: ['before', 'limit', 'since', 'until'],
  repeatable: ['channel', 'type'],
}

const EVENT_STREAM = 'text/event-stream'
const JSON_TYPE = 'application/json'

/**
 * Which representation of `/events` a request prefers (RFC 9110, section 12.5.1): the stream when both have the same weight, in
 * any order; a type that is named comes before one that only a wildcard covers. `undefined` when neither is accepted.
 */
export function representation(request: Request): 'stream' | 'history' | undefined {
  const accept = request.headers.get('accept') ?? '*/*'
  const preferred = preferredType(accept)
  if (preferred === undefined) return undefined
  // Negotiator decides ties by the order within the header.
  const isStream = preferred === EVENT_STREAM || preferredType(accept.split(',').reverse().join(',')) === EVENT_STREAM
  return isStream ? 'stream' : 'history'
}

/** Parameters other than the weight, such as `charset`, select nothing here. */
const preferredType = (accept: string) => {
  const types = accept.replace(/;\s*(?!q\s*=)[^,;]*/gi, '')
  return new Negotiator({ headers: { accept: types } }).mediaType([EVENT_STREAM, JSON_TYPE])
}

/**
 * The channels asked for: each `channel` parameter is a pattern; without any, `broadcast`.
 *
 * @throws {AppError} `channel.invalid`, `channel.too_many`
 */
export function requestedPatterns(query: URLSearchParams): string[] {
  const patterns = query.getAll('channel').map(parsePattern)
  checkPatternCount(patterns)
  return patterns.length > 0 ? patterns : ['broadcast']
}

/** @throws {AppError} `channel.too_many` */
export function checkPatternCount(patterns: readonly unknown[]): void {
  if (patterns.length > MAX_PATTERNS) {
    throw new AppError(
      'channel.too_many',
      `A stream takes at most ${MAX_PATTERNS} channel patterns; this one asks for ${patterns.length}.`,
    )
  }
}

/**
 * Whether events carry their type in an `event:` line: `named=false` takes it out, so that an EventSource's `onmessage`
 * gets events of every type.
 *
 * @throws {AppError} `named.invalid`
 */
export function requestedNaming(query: URLSearchParams): boolean {
  const value = query.get('named') ?? 'true'
  if (value === 'true' || value === 'false') return value === 'true'
  throw new AppError('named.invalid', `named is ${JSON.stringify(value.slice(0, 80))}; it is "true" or "false".`)
}

/**
 * The cursor of a stream: the `Last-Event-ID` header, which a browser sends when it reconnects, before the
 * `lastEventId` parameter, which is still the one of its first request.
 *
 * Any id is accepted: an error status would end a native EventSource for good, which can't drop its id.
 */
export function requestedCursor(request: Request, query: URLSearchParams): StreamCursor {
  const value = request.headers.get('last-event-id') || query.get('lastEventId') || undefined
  return value === undefined || value === 'earliest' ? value : (parseLogCursor(value) ?? 'unknown')
}

/** Where a page that waits begins; `undefined` for `latest`. @throws {AppError} `cursor.invalid` */
export const requestedAfter = (query: URLSearchParams): RequestedCursor => {
  const after = query.get('after') ?? 'earliest'
  return after === 'latest' ? undefined : parseCursor(after)
}

/** @throws {AppError} `cursor.invalid` */
export function parseCursor(value: string | undefined): RequestedCursor {
  if (value === undefined || value === 'earliest') return value
  const cursor = parseLogCursor(value)
  if (cursor) return cursor
  throw new AppError(
    'cursor.invalid',
    `The cursor ${JSON.stringify(value.slice(0, 80))} is not one of this server's: it is an event's id such as "42-k3f9x2", a position, or "earliest" for the oldest event kept.`,
  )
}

/** @throws {AppError} `limit.invalid` */
export function requestedLimit(query: URLSearchParams): number {
  const value = query.get('limit') ?? String(HISTORY_PAGE.default)
  const limit = Number(value)
  if (/^\d+$/.test(value) && limit >= 1 && limit <= HISTORY_PAGE.max) return limit
  throw new AppError(
    'limit.invalid',
    `The limit ${JSON.stringify(value.slice(0, 80))} is not a whole number from 1 to ${HISTORY_PAGE.max}.`,
  )
}

/**
 * Seconds that a request for a page waits for events: of the parameter `wait`, or of `Prefer: wait=…` (RFC 7240, section 4.3),
 * which is a wish: at most the longest wait counts. `0` when it does not wait.
 *
 * @throws {AppError} `wait.invalid`
 */
export function requestedWait(request: Request, query: URLSearchParams): number {
  const value = query.get('wait')
  if (value === null) return Math.min(MAX_WAIT, preferredWait(request.headers.get('prefer') ?? ''))
  if (/^\d{1,3}$/.test(value) && Number(value) <= MAX_WAIT) return Number(value)
  throw new AppError(
    'wait.invalid',
    `wait is ${JSON.stringify(value.slice(0, 80))}; it is a whole number of seconds from 0 to ${MAX_WAIT}.`,
  )
}

/** A preference that is not understood is ignored. */
const preferredWait = (prefer: string) =>
  Number(/(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:[,;]|$)/i.exec(prefer)?.[1] ?? 0)

/** The types asked for; `undefined` for all. @throws {AppError} `type.invalid`, `type.too_many` */
export function requestedTypes(query: URLSearchParams): string[] | undefined {
  const types = query.getAll('type')
  if (types.length > MAX_TYPES) {
    throw new AppError('type.too_many', `A page is of at most ${MAX_TYPES} types; this one asks for ${types.length}.`)
  }
  for (const type of types) parseType(type)
  return types.length > 0 ? types : undefined
}

/** A time such as `2026-11-21T10:00:00Z` (RFC 3339). @throws {AppError} `time.invalid` */
export function requestedTime(query: URLSearchParams, name: string): Date | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  const time = new Date(value)
  if (/^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(time.getTime())) return time
  throw new AppError(
    'time.invalid',
    `${name} is ${JSON.stringify(value.slice(0, 80))}; it is a time such as "2026-11-21T10:00:00Z".`,
  )
}

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
 * Reads and checks the body of a request that publishes: one event or an array of them.
 *
 * @throws {AppError} what `Bodies.readJson` throws, `body.invalid`, `batch.empty`, `batch.too_large`, and what is wrong with
 * an event; the member `event` is then its index in the batch
 */
export async function readPublication(
  incoming: Incoming,
  actor: Actor,
  options: PublicationOptions,
): Promise<Publication> {
  const { request } = incoming
  const header = request.headers.get('idempotency-key')
  const requestKey = header === null ? null : parseKey(header)
  return options.bodies.readJson(incoming, options.maxRequestBytes, async (bytes) => {
    const { events: written, isBatch } = await readEvents(bytes)
    const slice = new Slice()
    const events: NewEvent[] = []
    for (const [index, value] of written.entries()) {
      const { key, ...event } = isBatch
        ? parseMember(value, index, options.maxEventBytes)
        : parseEvent(value, options.maxEventBytes)
      checkPublish(actor, event.channel)
      const givenKey = isBatch && requestKey !== null ? keyWithin(requestKey, index) : requestKey
      events.push({ ...event, key: key ?? givenKey, origin: actor.clientId })
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

/**
 * The patterns that a page of history reads: those of the request, or without any those that the actor may read.
 *
 * @throws {AppError} `channel.invalid`, `channel.too_many`, `access.denied`
 */
export function readablePatterns(query: URLSearchParams, actor: Actor): readonly string[] {
  const { subscribe } = actor.grant
  // Besides `>`, other patterns would only make the query slower.
  if (!query.has('channel')) return subscribe.includes('>') ? ['>'] : subscribe.filter((each) => !isReserved(each))
  const patterns = requestedPatterns(query)
  checkSubscribe(actor, patterns)
  return patterns
}
