import { Elysia } from 'elysia'
import type { Hub } from '../fanout/hub.ts'
import { createSelection } from '../fanout/selection.ts'
import { otherMethods } from '../http/problem.ts'
import { checkParameters } from '../http/query-parameters.ts'
import { urlOf } from '../http/request-url.ts'
import { type Admission, memoryOf } from '../log/admission.ts'
import type { LogBounds } from '../log/bounds.ts'
import type { EventLog } from '../log/log.ts'
import type { Publisher } from '../log/publisher.ts'
import type { Search } from '../log/search.ts'
import { AppError } from '../platform/errors.ts'
import type { Closing, Gap } from '../protocol/control-events.ts'
import { formatCursor, type LogCursor } from '../protocol/cursor.ts'
import { FOLLOW, FOLLOW_HEAD, PUBLISH } from './documentation.ts'
import { history, lookBack } from './history/history.ts'
import {
  PUBLISH_PARAMETERS,
  type PublicationOptions,
  readPublication,
  representation,
  requestedClientId,
  requestedCursor,
  requestedNaming,
  requestedPatterns,
  STREAM_PARAMETERS,
  type StreamCursor,
} from './request.ts'
import { SSE, UNNAMED_SSE } from './sse/encoding.ts'
import { closingFrame } from './sse/frame.ts'
import { StreamSink } from './sse/stream-sink.ts'

/** What the routes of `/events` need. */
export interface EventRoutesOptions extends PublicationOptions {
  hub: Hub
  log: EventLog
  bounds: LogBounds
  search: Search
  publisher: Publisher
  admission: Admission
  /** Whether no event will ever follow this position on these channels: a client that reconnects then gets status 204. */
  isOver: (channels: readonly string[], after: number) => Promise<boolean>
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx buffers responses unless this header is set.
  'x-accel-buffering': 'no',
  vary: 'accept',
}

/** `/events`: the live stream, pages of history, and publishing. */
export const eventRoutes = (options: EventRoutesOptions) =>
  new Elysia({ name: 'events', tags: ['events'] })
    .get(
      '/events',
      async ({ request, server }) => {
        const query = urlOf(request).searchParams
        switch (representation(request)) {
          case 'stream':
            // Bun would cut a quiet stream; heartbeats and the stall limit take over.
            server?.timeout(request, 0)
            return stream(request, query, options, () => server?.timeout(request, 1))
          case 'history':
            return query.has('before')
              ? lookBack(query, options.search, request.signal)
              : history(query, options.log, request.signal)
          default:
            throw notAcceptable()
        }
      },
      { detail: FOLLOW },
    )
    .head(
      '/events',
      async ({ request }) => {
        const query = urlOf(request).searchParams
        switch (representation(request)) {
          case 'stream':
            parseStreamRequest(request, query)
            // Without this, Bun sends "content-length: 0", which a stream does not have.
            return new Response(null, { headers: { ...STREAM_HEADERS, 'transfer-encoding': 'chunked' } })
          case 'history':
            // Bun sends its headers alone.
            return query.has('before')
              ? lookBack(query, options.search, request.signal)
              : history(query, options.log, request.signal)
          default:
            throw notAcceptable()
        }
      },
      { detail: FOLLOW_HEAD },
    )
    .post(
      '/events',
      async ({ request, server, set }) => {
        checkParameters(urlOf(request).searchParams, PUBLISH_PARAMETERS)
        options.admission.check()
        const { events, isBatch } = await readPublication({ request, server }, options)
        return options.admission.handle(memoryOf(events), async () => {
          const positions = await options.publisher.publish(events)
          set.status = 201
          return isBatch ? { positions } : { position: positions[0] }
        })
      },
      { parse: 'none', detail: PUBLISH },
    )
    .use(otherMethods({ '/events': 'GET, HEAD, POST' }))

const notAcceptable = () =>
  new AppError(
    'accept.unsupported',
    'This resource is a live stream (Accept: text/event-stream) or pages of history (Accept: application/json).',
    { status: 406 },
  )

/**
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, `channel.invalid`, `channel.too_many`, `named.invalid`,
 * `client_id.invalid`
 */
function parseStreamRequest(request: Request, query: URLSearchParams) {
  checkParameters(query, STREAM_PARAMETERS)
  return {
    selection: createSelection(requestedPatterns(query)),
    encoding: requestedNaming(query) ? SSE : UNNAMED_SSE,
    clientId: requestedClientId(query.get('clientId')),
    isProxied: isProxied(request),
    requested: requestedCursor(request, query),
  }
}

async function stream(
  request: Request,
  query: URLSearchParams,
  { hub, bounds, isOver }: EventRoutesOptions,
  abandon: () => void,
): Promise<Response> {
  const { requested, ...subscription } = parseStreamRequest(request, query)
  const isSeen = (position: number) => isOver(requestedPatterns(query), position).catch(() => false)
  const refusal = hub.refusal(subscription)
  if (refusal) return refuse(refusal, requested)
  const start = await resolveCursor(requested, hub, bounds).catch((error) => {
    if (error instanceof AppError && error.status === 503) return undefined
    throw error
  })
  if (!start) return refuse(hub.unavailable, requested)
  if (typeof requested === 'object' && !start.gap && (await isSeen(requested.position))) {
    // The one status after which every client stops reconnecting (HTML, section 9.2.3).
    return new Response(null, { status: 204 })
  }
  // Meanwhile other streams may have been opened, and the log may have turned out to be another one.
  const lateRefusal = hub.refusal(subscription) ?? (start.epoch === hub.epoch ? undefined : hub.unavailable)
  if (lateRefusal) return refuse(lateRefusal, requested)
  const sink = new StreamSink(abandon)
  const cursor = hub.open({ ...subscription, ...start, sink, transport: 'sse', resumed: requested !== undefined })
  sink.attach(cursor)
  request.signal.addEventListener('abort', () => cursor.close('client'))
  return new Response(sink.stream, { headers: STREAM_HEADERS })
}

/** Whether the request says that it came through a proxy (RFC 7239, and what came before it). */
const isProxied = ({ headers }: Request): boolean =>
  ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip', 'via'].some((name) => headers.has(name))

/**
 * A native EventSource gives up for good after an error status; a stream that ends at once makes it reconnect, later than
 * usual. Its cursor stays where it is: the cursor that it sent is sent back, for clients that take a missing ID for an empty
 * one.
 */
const refuse = (closing: Closing, requested: StreamCursor) =>
  new Response(closingFrame(closing, typeof requested === 'object' ? textOf(requested) : undefined), {
    headers: STREAM_HEADERS,
  })

const textOf = ({ position, epoch }: LogCursor) => (epoch === null ? String(position) : formatCursor(position, epoch))

interface Start {
  cursor: number
  /** Epoch of the cursor. */
  epoch: string
  oldest: number
  gap?: Gap
}

/**
 * Turns what a client asks for into a position of the present epoch, with a gap where its cursor is not of this log.
 *
 * @throws {AppError} `database.unavailable`
 */
async function resolveCursor(requested: StreamCursor, hub: Hub, bounds: LogBounds): Promise<Start> {
  const { position } = hub
  // Not the hub's epoch: what the bounds say of a cursor holds for theirs, and the hub may have changed to another one since.
  const { epoch, oldest } = bounds.current
  if (requested === undefined) return { cursor: position, epoch, oldest }
  if (requested === 'unknown') {
    return { cursor: position, epoch, oldest, gap: { from: null, to: position, reason: 'unknown' } }
  }
  if (requested === 'earliest') {
    const refreshed = await bounds.refreshOldest()
    return { cursor: refreshed - 1, epoch, oldest: refreshed }
  }
  const gap = await bounds.gapFor(requested)
  return gap ? { cursor: gap.to, epoch, oldest, gap } : { cursor: requested.position, epoch, oldest }
}
