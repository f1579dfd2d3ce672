import { checkParameters } from '../../http/query-parameters.ts'
import { urlOf } from '../../http/request-url.ts'
import type { Bounds } from '../../log/bounds.ts'
import type { EventLog } from '../../log/log.ts'
import type { Search } from '../../log/search.ts'
import { AppError } from '../../platform/errors.ts'
import type { Gap } from '../../protocol/control-events.ts'
import { formatCursor } from '../../protocol/cursor.ts'
import type { LoggedEvent } from '../../protocol/event.ts'
import {
  HISTORY_PARAMETERS,
  LOOK_BACK_PARAMETERS,
  parseCursor,
  requestedLimit,
  requestedTime,
  requestedTypes,
} from '../request.ts'
import { CLIENT_CLOSED_REQUEST, eventJson, nextPage, pageResponse, pageText } from './page.ts'

/**
 * A page of history: `{ gap?, events, cursor, more, oldest, head }`. The next page is `after` the `cursor`.
 *
 * @param patterns of the channels that are read; `undefined` for all
 * @param clientId whose own events are left out; `null` for none
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, `cursor.invalid`, `channel.invalid`, `limit.invalid`,
 * `database.unavailable`
 */
export const history = (
  request: Request,
  patterns: readonly string[] | undefined,
  log: EventLog,
  clientId: string | null,
): Promise<Response> => unlessGone(request.signal, () => readForward(request, patterns, log, clientId))

async function readForward(
  request: Request,
  patterns: readonly string[] | undefined,
  log: EventLog,
  clientId: string | null,
): Promise<Response> {
  const query = urlOf(request).searchParams
  checkParameters(query, HISTORY_PARAMETERS)
  const after = parseCursor(query.get('after') ?? 'earliest')
  const given = typeof after === 'object' ? after : undefined
  const limit = requestedLimit(query)
  const read = await log.read({
    after: given?.position ?? 0,
    epoch: given?.epoch ?? null,
    limit,
    signal: request.signal,
    ...(patterns && { patterns }),
  })
  const events = clientId === null ? read.events : read.events.filter(({ origin }) => origin !== clientId)
  return page(request, 'after', { ...read, events, gap: given && read.gap, more: read.cursor < read.head })
}

/**
 * A page that looks back: `{ gap?, events, cursor, more, oldest, head }`, newest first. The next page is `before` the
 * `cursor`.
 *
 * @param patterns of the channels that are read; `undefined` for all
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, `cursor.invalid`, `channel.invalid`, `type.invalid`,
 * `type.too_many`, `time.invalid`, `limit.invalid`, `database.unavailable`
 */
export const lookBack = (
  request: Request,
  patterns: readonly string[] | undefined,
  search: Search,
): Promise<Response> => unlessGone(request.signal, () => readBack(request, patterns, search))

async function readBack(request: Request, patterns: readonly string[] | undefined, search: Search): Promise<Response> {
  const query = urlOf(request).searchParams
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
    signal: request.signal,
  })
  return page(request, 'before', found)
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

/** @param direction of the reading, in which the next page lies */
function page(request: Request, direction: 'after' | 'before', read: PageOfHistory): Response {
  const { gap, events, epoch, more, oldest, head } = read
  const cursor = formatCursor(read.cursor, epoch)
  const body = pageText({ gap, events: events.map((event) => eventJson(event)).join(','), cursor, more, oldest, head })
  return pageResponse(body, more ? nextPage(request, direction, cursor) : undefined)
}
