import { type Actor, type Authorize, checkSubscribe, clientIdOf, countedAs } from '../auth/actor.ts'
import type { RefusalDelay } from '../auth/refusal-delay.ts'
import type { StreamLease } from '../auth/stream-lease.ts'
import type { StreamLeases } from '../auth/stream-leases.ts'
import type { Cursor } from '../fanout/cursor.ts'
import type { Encoding } from '../fanout/encoding.ts'
import type { Hub } from '../fanout/hub.ts'
import type { Owner } from '../fanout/quotas.ts'
import { createSelection, type Selection } from '../fanout/selection.ts'
import type { Subscription } from '../fanout/subscription.ts'
import type { AddressOf, Incoming } from '../http/client-address.ts'
import { urlOf } from '../http/request-url.ts'
import type { LogBounds } from '../log/bounds.ts'
import { AppError } from '../platform/errors.ts'
import type { Closing, Gap } from '../protocol/control-events.ts'
import type { StreamCursor } from './request.ts'

/** What every transport needs to open a subscription. */
export interface SubscribeOptions {
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

/** What one transport reads of a request. */
export interface Wish {
  encoding: Encoding
  /** Where the client wants to begin. */
  requested: StreamCursor
  /** Patterns of the channels to follow. */
  patterns: readonly string[]
}

/**
 * Reads and checks what a transport takes of a request.
 *
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, and what is wrong with a parameter
 */
export type ReadWish = (query: URLSearchParams, actor: Actor) => Wish

/** A request that was authorized. */
export interface Admitted extends Omit<Wish, 'patterns'> {
  incoming: Incoming
  actor: Actor
  owner: Owner
  selection: Selection
  clientId: string | null
  isProxied: boolean
}

/** Where a subscription begins. */
export interface Start {
  /** Position after which it begins. */
  cursor: number
  /** Epoch of the cursor. */
  epoch: string
  /** Position of the oldest event kept. */
  oldest: number
  gap?: Gap
}

/** What follows the admission: a subscription may begin, is refused for now, or is over for good. */
export type Outcome =
  | { kind: 'start'; start: Start }
  /** The client reconnects with the cursor that it has. */
  | { kind: 'refused'; closing: Closing }
  /** No event will ever follow the cursor of the client. */
  | { kind: 'over' }

/**
 * Phase 1: what a request asks for, and whether its actor may read it.
 *
 * @throws {AppError} what `wish` throws, `client_id.invalid`, `access.denied`
 */
export function parseSubscription(request: Request, actor: Actor, wish: ReadWish) {
  const query = urlOf(request).searchParams
  const { patterns, ...asked } = wish(query, actor)
  checkSubscribe(actor, patterns)
  return {
    ...asked,
    selection: createSelection(patterns),
    clientId: clientIdOf(actor, query.get('clientId')),
    isProxied: isProxied(request),
  }
}

/**
 * Phase 1 with authorization. An error is delayed, the more the more there are: some clients retry at once on any status.
 *
 * @throws {AppError} what `Authorize` and {@link parseSubscription} throw
 */
export async function admit(incoming: Incoming, options: SubscribeOptions, wish: ReadWish): Promise<Admitted> {
  const { request } = incoming
  const { authorize, refusals, addressOf, hub } = options
  try {
    const actor = await authorize(request)
    await hub.turn()
    const owner = { subject: countedAs(actor.grant), address: addressOf(incoming) }
    return { incoming, actor, owner, ...parseSubscription(request, actor, wish) }
  } catch (error) {
    const isRefusal = error instanceof AppError && (error.status === 401 || error.status === 403)
    if (isRefusal) await refusals.refused(addressOf(incoming), request.signal)
    else await pace(incoming, options)
    throw error
  }
}

/** Delays the response to a request that the client repeats without a pause, although nothing is opened for it. */
const pace = ({ request, server }: Incoming, { refusals, addressOf }: SubscribeOptions): Promise<void> => {
  const { url, headers, signal } = request
  return refusals.unopened(addressOf({ request, server }), `${url} ${headers.get('last-event-id')}`, signal)
}

/** Phase 2: where the subscription begins, and whether it may. Phase 3 follows in the same event-loop turn. */
export async function locate(admitted: Admitted, options: SubscribeOptions): Promise<Outcome> {
  const outcome = await find(admitted, options)
  // An instance that drains is about to end, and a delay would only keep it from that.
  const isDraining = outcome.kind === 'refused' && outcome.closing.reason === 'drain'
  if (outcome.kind !== 'start' && !isDraining) await pace(admitted.incoming, options)
  return outcome
}

async function find(admitted: Admitted, { hub, bounds, isOver }: SubscribeOptions): Promise<Outcome> {
  const { requested, selection } = admitted
  const refusal = hub.refusal(admitted)
  if (refusal) return { kind: 'refused', closing: refusal }
  const start = await resolveCursor(requested, hub, bounds).catch((error) => {
    if (error instanceof AppError && error.status === 503) return undefined
    throw error
  })
  if (!start) return { kind: 'refused', closing: hub.unavailable }
  const isResumed = typeof requested === 'object' && !start.gap
  if (isResumed && (await isOver(selection.patterns, requested.position).catch(() => false))) return { kind: 'over' }
  await hub.turn()
  // Meanwhile other streams may have been opened, and the log may have turned out to be another one.
  const closing = hub.refusal(admitted) ?? (start.epoch === hub.epoch ? undefined : hub.unavailable)
  return closing ? { kind: 'refused', closing } : { kind: 'start', start }
}

/** A subscription that is open. */
export interface Begun {
  cursor: Cursor
  /** Ends with the cursor. */
  lease: StreamLease
}

/** Phase 3, for a transport whose subscriptions stay as they are. @throws {AppError} what {@link beginWithLease} throws */
export const begin = (...parameters: Parameters<typeof beginWithLease>): Cursor => beginWithLease(...parameters).cursor

/**
 * Phase 3: opens the cursor, and holds its lease until it ends.
 *
 * @throws {AppError} `token.expired`, `token.revoked`, `key.unknown` (401) when rights have ended meanwhile
 */
export function beginWithLease(
  admitted: Admitted,
  start: Start,
  transport: Pick<Subscription, 'sink' | 'transport' | 'heartbeat'>,
  { hub, leases }: Pick<SubscribeOptions, 'hub' | 'leases'>,
): Begun {
  const { incoming: _, actor, requested, ...subscription } = admitted
  leases.check(actor)
  const cursor = hub.open({
    ...subscription,
    ...start,
    ...transport,
    resumed: requested !== undefined,
    onEnd: () => lease.release(),
  })
  const lease = leases.hold(actor, subscription.selection.patterns, cursor)
  return { cursor, lease }
}

/** Whether the request says that it came through a proxy (RFC 7239, and what came before it). */
const isProxied = ({ headers }: Request): boolean =>
  ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip', 'via'].some((name) => headers.has(name))

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
