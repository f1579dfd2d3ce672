import { checkParameters } from '../../http/query-parameters.ts'
import type { Bounds } from '../../log/bounds.ts'
import type { EventLog } from '../../log/log.ts'
import type { Search } from '../../log/search.ts'
import { AppError } from '../../platform/errors.ts'
import type { Gap } from '../../protocol/control-events.ts'
import { formatCursor } from '../../protocol/cursor.ts'
import { envelopeMembers, type LoggedEvent } from '../../protocol/event.ts'
import {
  HISTORY_PARAMETERS,
  LOOK_BACK_PARAMETERS,
  parseCursor,
  requestedLimit,
  requestedTime,
  requestedTypes,
} from '../request.ts'

/**
 * A page of history: `{ gap?, events, cursor, more, oldest, head }`. The next page is `after` the `cursor`.
 *
 * @param patterns of the channels that are read; `undefined` for all
 * @param signal aborts when the client has left
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, `cursor.invalid`, `channel.invalid`, `limit.invalid`,
 * `database.unavailable`
 */
export const history = (
  query: URLSearchParams,
  patterns: readonly string[] | undefined,
  log: EventLog,
  signal: AbortSignal,
): Promise<Response> => unlessGone(signal, () => readForward(query, patterns, log, signal))

async function readForward(
  query: URLSearchParams,
  patterns: readonly string[] | undefined,
  log: EventLog,
  signal: AbortSignal,
): Promise<Response> {
  checkParameters(query, HISTORY_PARAMETERS)
  const after = parseCursor(query.get('after') ?? 'earliest')
  const given = typeof after === 'object' ? after : undefined
  const limit = requestedLimit(query)
  const read = await log.read({
    after: given?.position ?? 0,
    epoch: given?.epoch ?? null,
    limit,
    signal,
    ...(patterns && { patterns }),
  })
  return page({ ...read, gap: given && read.gap, more: read.cursor < read.head })
}

/**
 * A page that looks back: `{ gap?, events, cursor, more, oldest, head }`, newest first. The next page is `before` the
 * `cursor`.
 *
 * @param patterns of the channels that are read; `undefined` for all
 * @param signal aborts when the client has left
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, `cursor.invalid`, `channel.invalid`, `type.invalid`,
 * `type.too_many`, `time.invalid`, `limit.invalid`, `database.unavailable`
 */
export const lookBack = (
  query: URLSearchParams,
  patterns: readonly string[] | undefined,
  search: Search,
  signal: AbortSignal,
): Promise<Response> => unlessGone(signal, () => readBack(query, patterns, search, signal))

async function readBack(
  query: URLSearchParams,
  patterns: readonly string[] | undefined,
  search: Search,
  signal: AbortSignal,
): Promise<Response> {
  if (query.has('after')) throw bothDirections()
  checkParameters(query, LOOK_BACK_PARAMETERS)
  const given = query.get('before')
  const before = given === 'latest' ? undefined : parseCursor(given ?? undefined)
  const found = await search.find({
    before: typeof before === 'object' ? before : undefined,
    limit: requestedLimit(query),
    patterns,
    types: requestedTypes(query),
    since: requestedTime(query, 'since'),
    until: requestedTime(query, 'until'),
    signal,
  })
  return page(found)
}

const bothDirections = () =>
  new AppError('parameter.unknown', 'after and before exclude each other: a page is read in one direction.', {
    extensions: { parameter: 'after' },
  })

/** A client that has disconnected reads no response, and a query that was cancelled for it is no failure of the database. */
async function unlessGone(signal: AbortSignal, respond: () => Promise<Response>): Promise<Response> {
  try {
    return await respond()
  } catch (error) {
    if (signal.aborted) return new Response(null, { status: CLIENT_CLOSED_REQUEST })
    throw error
  }
}

/** What both directions return, with the epoch of the positions. */
interface PageOfHistory extends Pick<Bounds, 'oldest' | 'head' | 'epoch'> {
  gap?: Gap | undefined
  events: readonly LoggedEvent[]
  cursor: number
  more: boolean
}

/** nginx's status for it; no RFC has one. */
const CLIENT_CLOSED_REQUEST = 499

function page({ gap, events, cursor, epoch, more, oldest, head }: PageOfHistory): Response {
  const members = [
    ...(gap ? [`"gap":${JSON.stringify(gap)}`] : []),
    `"events":[${events.map(eventJson).join(',')}]`,
    `"cursor":"${formatCursor(cursor, epoch)}","more":${more},"oldest":${oldest},"head":${head}`,
  ]
  return new Response(`{${members.join(',')}}\n`, {
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', vary: 'accept' },
  })
}

/** `data` is JSON text already: it goes out as it was published. */
const eventJson = (event: LoggedEvent) => `{"position":${event.position},${envelopeMembers(event, event.data)}}`
