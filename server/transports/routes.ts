import { Elysia } from 'elysia'
import { type Actor, type Authorize, checkSubscribe, clientIdOf } from '../auth/actor.ts'
import type { RefusalDelay } from '../auth/refusal-delay.ts'
import type { StreamLeases } from '../auth/stream-leases.ts'
import type { Hub } from '../fanout/hub.ts'
import { createSelection } from '../fanout/selection.ts'
import type { AddressOf, Incoming } from '../http/client-address.ts'
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
import type { PublishRate } from './publish/publish-rate.ts'
import {
  PUBLISH_PARAMETERS,
  type PublicationOptions,
  readablePatterns,
  readPublication,
  representation,
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
  authorize: Authorize
  /** The rights of streams while they are open. */
  leases: StreamLeases
  /** Delays the responses to refused streams. */
  refusals: RefusalDelay
  hub: Hub
  log: EventLog
  bounds: LogBounds
  search: Search
  publisher: Publisher
  admission: Admission
  /** The address that limits of a client count by. */
  addressOf: AddressOf
  publishRate: PublishRate
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
            return stream({ request, server }, options, () => server?.timeout(request, 1))
          case 'history':
            return historyPage(request, query, options)
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
            parseStreamRequest(request, query, await options.authorize(request))
            // Without this, Bun sends "content-length: 0", which a stream does not have.
            return new Response(null, { headers: { ...STREAM_HEADERS, 'transfer-encoding': 'chunked' } })
          case 'history':
            // Bun sends its headers alone.
            return historyPage(request, query, options)
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
        const actor = await options.authorize(request)
        options.admission.check()
        const incoming = { request, server }
        const { events, isBatch } = await readPublication(incoming, actor, options)
        const headers = options.publishRate.take(actor.grant.subject ?? options.addressOf(incoming), events.length)
        return options.admission.handle(memoryOf(events), async () => {
          const positions = await options.publisher.publish(events)
          set.status = 201
          Object.assign(set.headers, headers)
          return isBatch ? { positions } : { position: positions[0] }
        })
      },
      { parse: 'none', detail: PUBLISH },
    )
    .use(otherMethods({ '/events': 'GET, HEAD, POST' }))

/** A page of history, of the channels that may be read. */
async function historyPage(
  request: Request,
  query: URLSearchParams,
  { authorize, log, search }: EventRoutesOptions,
): Promise<Response> {
  const readable = readablePatterns(query, await authorize(request))
  return query.has('before')
    ? lookBack(query, readable, search, request.signal)
    : history(query, readable, log, request.signal)
}

const notAcceptable = () =>
  new AppError(
    'accept.unsupported',
    'This resource is a live stream (Accept: text/event-stream) or pages of history (Accept: application/json).',
    { status: 406 },
  )

/**
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, `channel.invalid`, `channel.too_many`, `named.invalid`,
 * `client_id.invalid`, `access.denied`
 */
function parseStreamRequest(request: Request, query: URLSearchParams, actor: Actor) {
  checkParameters(query, STREAM_PARAMETERS)
  const patterns = requestedPatterns(query)
  checkSubscribe(actor, patterns)
  return {
    selection: createSelection(patterns),
    encoding: requestedNaming(query) ? SSE : UNNAMED_SSE,
    clientId: clientIdOf(actor, query.get('clientId')),
    isProxied: isProxied(request),
    requested: requestedCursor(request, query),
  }
}

/**
 * Authorizes a stream. A refusal is delayed, the more the more there are: some clients retry at once on any status.
 *
 * @throws {AppError} what `Authorize` and `parseStreamRequest` throw
 */
async function admit(incoming: Incoming, { authorize, refusals, addressOf }: EventRoutesOptions) {
  const { request } = incoming
  try {
    const actor = await authorize(request)
    const owner = { subject: actor.grant.subject, address: addressOf(incoming) }
    return { actor, owner, ...parseStreamRequest(request, urlOf(request).searchParams, actor) }
  } catch (error) {
    const isRefusal = error instanceof AppError && (error.status === 401 || error.status === 403)
    if (isRefusal) await refusals.wait(addressOf(incoming), request.signal)
    throw error
  }
}

async function stream(incoming: Incoming, options: EventRoutesOptions, abandon: () => void): Promise<Response> {
  const { request } = incoming
  const { hub, bounds, leases, isOver } = options
  const query = urlOf(request).searchParams
  const { requested, actor, ...subscription } = await admit(incoming, options)
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
  leases.check(actor)
  const sink = new StreamSink(abandon)
  const cursor = hub.open({
    ...subscription,
    ...start,
    sink,
    transport: 'sse',
    resumed: requested !== undefined,
    onEnd: () => lease.release(),
  })
  const lease = leases.hold(actor, subscription.selection.patterns, cursor)
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
