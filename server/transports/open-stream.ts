import { type Actor, type Authorize, checkSubscribe, clientIdOf } from '../auth/actor.ts'
import type { RefusalDelay } from '../auth/refusal-delay.ts'
import type { StreamLeases } from '../auth/stream-leases.ts'
import type { Hub } from '../fanout/hub.ts'
import { createSelection } from '../fanout/selection.ts'
import type { AddressOf, Incoming } from '../http/client-address.ts'
import { checkParameters } from '../http/query-parameters.ts'
import { urlOf } from '../http/request-url.ts'
import type { LogBounds } from '../log/bounds.ts'
import { AppError } from '../platform/errors.ts'
import type { Closing, Gap } from '../protocol/control-events.ts'
import { formatCursor, type LogCursor } from '../protocol/cursor.ts'
import { requestedCursor, requestedNaming, requestedPatterns, STREAM_PARAMETERS, type StreamCursor } from './request.ts'
import { SSE, UNNAMED_SSE } from './sse/encoding.ts'
import { closingFrame } from './sse/frame.ts'
import { StreamSink } from './sse/stream-sink.ts'

/** What {@link openStream} needs. */
export interface StreamOptions {
  authorize: Authorize
  /** The rights of streams while they are open. */
  leases: StreamLeases
  /** Delays the responses to refused streams. */
  refusals: RefusalDelay
  /** The address that limits of a client count by. */
  addressOf: AddressOf
  hub: Hub
  bounds: LogBounds
  /** Whether no event will ever follow this position on these channels: a client that reconnects then gets status 204. */
  isOver: (channels: readonly string[], after: number) => Promise<boolean>
}

/** Headers of every stream. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx buffers responses unless this header is set.
  'x-accel-buffering': 'no',
  vary: 'accept',
}

/**
 * What a request for a stream asks for.
 *
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, `channel.invalid`, `channel.too_many`, `named.invalid`,
 * `client_id.invalid`, `access.denied`
 */
export function parseStreamRequest(request: Request, query: URLSearchParams, actor: Actor) {
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
 * Authorizes a stream. An error is delayed, the more the more there are: some clients retry at once on any status.
 *
 * @throws {AppError} what `Authorize` and `parseStreamRequest` throw
 */
async function admit(incoming: Incoming, options: StreamOptions) {
  const { request } = incoming
  const { authorize, refusals, addressOf } = options
  try {
    const actor = await authorize(request)
    const owner = { subject: actor.grant.subject, address: addressOf(incoming) }
    return { actor, owner, ...parseStreamRequest(request, urlOf(request).searchParams, actor) }
  } catch (error) {
    const isRefusal = error instanceof AppError && (error.status === 401 || error.status === 403)
    if (isRefusal) await refusals.refused(addressOf(incoming), request.signal)
    else await pace(incoming, options)
    throw error
  }
}

/** Delays the response to a request that the client repeats without a pause, although no stream is opened for it. */
const pace = (incoming: Incoming, { refusals, addressOf }: StreamOptions): Promise<void> => {
  const { url, headers, signal } = incoming.request
  return refusals.unopened(addressOf(incoming), `${url} ${headers.get('last-event-id')}`, signal)
}

/**
 * The response to a request for a stream: the stream, one that ends at once with `closing`, or 204.
 *
 * @param abandon called after the end of the stream: its socket need not be waited for
 * @throws {AppError} what `Authorize` and `parseStreamRequest` throw; `token.expired`, `token.revoked`, `key.unknown` (401) when
 * rights have ended meanwhile
 */
export async function openStream(incoming: Incoming, options: StreamOptions, abandon: () => void): Promise<Response> {
  const { request } = incoming
  const { hub, bounds, leases, isOver } = options
  const { requested, actor, ...subscription } = await admit(incoming, options)
  const isSeen = (position: number) => isOver(subscription.selection.patterns, position).catch(() => false)
  const refuse = async (closing: Closing) => {
    // An instance that drains is about to end, and a delay would only keep it from that.
    if (closing.reason !== 'drain') await pace(incoming, options)
    return ended(closing, requested)
  }
  const refusal = hub.refusal(subscription)
  if (refusal) return refuse(refusal)
  const start = await resolveCursor(requested, hub, bounds).catch((error) => {
    if (error instanceof AppError && error.status === 503) return undefined
    throw error
  })
  if (!start) return refuse(hub.unavailable)
  if (typeof requested === 'object' && !start.gap && (await isSeen(requested.position))) {
    await pace(incoming, options)
    // The one status after which every client stops reconnecting (HTML, section 9.2.3).
    return new Response(null, { status: 204 })
  }
  // Meanwhile other streams may have been opened, and the log may have turned out to be another one.
  const lateRefusal = hub.refusal(subscription) ?? (start.epoch === hub.epoch ? undefined : hub.unavailable)
  if (lateRefusal) return refuse(lateRefusal)
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
const ended = (closing: Closing, requested: StreamCursor) =>
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
