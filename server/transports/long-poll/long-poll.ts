import type { Incoming } from '../../http/client-address.ts'
import { checkParameters } from '../../http/query-parameters.ts'
import { urlOf } from '../../http/request-url.ts'
import { AppError } from '../../platform/errors.ts'
import { SECOND } from '../../platform/time.ts'
import type { Closing } from '../../protocol/control-events.ts'
import { formatCursor } from '../../protocol/cursor.ts'
import { CLIENT_CLOSED_REQUEST, nextPage, pageResponse, pageText } from '../history/page.ts'
import { HISTORY_PARAMETERS, readablePatterns, requestedAfter, requestedLimit } from '../request.ts'
import { type Admitted, admit, begin, locate, type ReadWish, type Start, type SubscribeOptions } from '../subscribe.ts'
import { PAGE } from './encoding.ts'
import { PageSink } from './page-sink.ts'

const readWish: ReadWish = (query, actor) => {
  checkParameters(query, HISTORY_PARAMETERS)
  return { encoding: PAGE, requested: requestedAfter(query), patterns: readablePatterns(query, actor) }
}

/**
 * A page of history that waits: it is sent when something lies after the cursor, at once or as soon as it comes, and empty at
 * the end of the wait. Each request that waits is a cursor of the hub: it costs no query and no timer.
 *
 * @param wait milliseconds
 * @throws {AppError} what `admit` and `begin` throw, `parameter.unknown`, `parameter.repeated`, `channel.invalid`,
 * `channel.too_many`, `cursor.invalid`, `limit.invalid`, `stream.limit` (429), `stream.unavailable` (503)
 */
export async function waitForPage(incoming: Incoming, wait: number, options: SubscribeOptions): Promise<Response> {
  const admitted = await admit(incoming, options, readWish)
  const limit = requestedLimit(urlOf(incoming.request).searchParams)
  const outcome = await locate(admitted, options)
  switch (outcome.kind) {
    case 'refused':
      throw refusal(outcome.closing)
    case 'over':
      return new Response(null, { status: 204 })
    case 'start':
      if (wait === 0) return emptyPage(incoming.request, outcome.start, options)
      return respond(incoming.request, admitted, outcome.start, { wait, limit }, options)
  }
}

/** Milliseconds and events of a wait. */
interface Wait {
  wait: number
  limit: number
}

async function respond(
  request: Request,
  admitted: Admitted,
  start: Start,
  { wait, limit }: Wait,
  options: SubscribeOptions,
): Promise<Response> {
  const { hub, bounds } = options
  const sink = new PageSink({
    limit,
    wait,
    from: formatCursor(start.cursor, start.epoch),
    cursorAt: (position) => formatCursor(position, hub.epoch),
    bounds: () => ({ oldest: bounds.current.oldest, head: hub.position }),
  })
  // The heartbeat of the cursor ends the wait.
  sink.attach(begin(admitted, start, { sink, transport: 'poll', heartbeat: wait }, options))
  request.signal.addEventListener('abort', () => sink.leave())
  const page = await sink.page
  if (!page) return new Response(null, { status: CLIENT_CLOSED_REQUEST })
  return pageResponse(page.body, nextPage(request, 'after', page.cursor))
}

function emptyPage(request: Request, start: Start, { hub }: SubscribeOptions): Response {
  const cursor = formatCursor(start.cursor, start.epoch)
  const body = pageText({ events: '', cursor, more: false, oldest: start.oldest, head: hub.position })
  return pageResponse(body, nextPage(request, 'after', cursor))
}

/** Unlike an EventSource, a client of pages reads a status, and `Retry-After`. */
function refusal({ reason, retry }: Closing): AppError {
  const retryAfter = Math.ceil(retry / SECOND)
  if (reason === 'limit') {
    return new AppError('stream.limit', 'The subject or the address has as many streams as it may have.', {
      status: 429,
      retryAfter,
    })
  }
  return new AppError(
    'stream.unavailable',
    `${UNAVAILABLE[reason] ?? 'No stream can be opened now.'} Repeat the request.`,
    {
      status: 503,
      retryAfter,
      extensions: { reason },
    },
  )
}

const UNAVAILABLE: Partial<Record<Closing['reason'], string>> = {
  drain: 'This instance is stopping; another one will take the request.',
  full: 'This instance has as many streams as it takes (MAX_CONNECTIONS).',
  unavailable: 'Postgres is unreachable, and the cursor needs it.',
}
