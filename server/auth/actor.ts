import { AppError } from '../platform/errors.ts'
import { isReserved } from '../protocol/channel.ts'
import { parseClientId } from '../protocol/event.ts'
import { shown } from '../protocol/names.ts'
import type { Grant } from './grant.ts'
import { isGranted } from './patterns.ts'

/** The user who sends a request, the page that it comes from, and what they may do. */
export interface Actor {
  /** Name of the user, which is a token of channels: `alice` in `orders.alice.17`. */
  user: string
  /**
   * Which stream leaves out the events that the request causes, and replaces an earlier one: `X-Client-Id`, after the name of the
   * user, so that no other user can name it; `null` without one.
   */
  clientId: string | null
  grant: Grant
  /** Whether client IDs come after the name of the user: not without authentication, where pages have no name of their own. */
  isScoped: boolean
  /** Id of the session whose cookie the request brought; `null` without one. */
  session: string | null
}

/**
 * Decides what a request may do: the one place, called by every door.
 *
 * @throws {AppError} what `Authenticate` throws; `user.invalid`, `client_id.invalid`
 */
export type Authorize = (request: Request) => Actor | Promise<Actor>

/** @throws {AppError} `access.denied` (403), with the channel, when a pattern is not within those that may be read */
export function checkSubscribe({ grant }: Pick<Actor, 'grant'>, patterns: readonly string[]): void {
  for (const pattern of patterns) if (!maySubscribe(grant, pattern)) throw denied('read', pattern)
}

/** Whether a pattern lies within those of a grant. The server's own events are for operators who may read everything. */
export const maySubscribe = (grant: Grant, pattern: string): boolean =>
  isReserved(pattern) ? grant.role === 'operator' && grant.subscribe.includes('>') : isGranted(grant.subscribe, pattern)

/** @throws {AppError} `access.denied` (403), with the channel, when it may not be published to */
export function checkPublish({ grant }: Actor, channel: string): void {
  if (!isGranted(grant.publish, channel)) throw denied('publish to', channel)
}

/** @throws {AppError} `access.denied` (403) when the grant is not an operator's */
export function checkOperator(actor: Actor): void {
  if (!isOperator(actor)) throw new AppError('access.denied', 'This is for operators only.', { status: 403 })
}

/** Whether the grant covers what belongs to all users. */
export const isOperator = ({ grant }: Actor): boolean => grant.role === 'operator'

/** Whose limits a grant counts against; `null` for those of the address, where there is no credential. */
export const countedAs = ({ subject, user }: Pick<Grant, 'subject' | 'user'>): string | null =>
  subject === null ? null : user

/** Whether something that belongs to a user may be read and changed. */
export const isOwnOrOperator = (actor: Actor, owner: string): boolean => isOperator(actor) || actor.user === owner

const denied = (action: string, channel: string) =>
  new AppError('access.denied', `The grant of this request does not allow to ${action} channel ${shown(channel)}.`, {
    status: 403,
    extensions: { channel },
  })

/**
 * A client ID of the actor as the log and the hub know it.
 *
 * @throws {AppError} `client_id.invalid` also when it is too long together with the user's name
 */
export function clientIdOf({ user, isScoped }: Pick<Actor, 'user' | 'isScoped'>, given: string | null): string | null {
  if (given === null) return null
  const id = parseClientId(given)
  // The name of a user has no dot, so the first one ends it: no two users have an ID in common.
  return isScoped ? parseClientId(`${user}.${id}`) : id
}
