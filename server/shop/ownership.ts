import { type Actor, isOperator, isOwnOrOperator } from '../auth/actor.ts'
import type { Sql } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import { shown } from '../protocol/names.ts'

/**
 * The one place that decides whose orders, tasks and files a request may read and change: an operator those of all users, a
 * user their own. What belongs to another user is as if it did not exist.
 */

/**
 * The condition of a statement that reads, locks or changes rows: the row is one of those that the actor may see. It is part
 * of the statement that finds the row, so another user's row is not found, not locked, and takes no other time than a row that
 * does not exist.
 *
 * @param column that names whose row it is
 */
export const ownedBy = (sql: Sql, column: 'customer' | 'owner' | 't.owner', actor: Actor) =>
  isOperator(actor) ? sql`true` : sql`${sql(column)} = ${actor.user}`

/** Equal for actors who see the same rows: the name of the user, or an empty text for all operators. */
export const viewOf = (actor: Actor): string => (isOperator(actor) ? '' : actor.user)

/**
 * Refuses to create something for another user, and a filter that names one.
 *
 * @param owner `undefined` for a filter that names no user
 * @throws {AppError} `access.denied` (403)
 */
export function checkOwner(actor: Actor, owner: string | undefined): void {
  if (owner === undefined || isOwnOrOperator(actor, owner)) return
  throw new AppError('access.denied', `What belongs to ${shown(owner)} is for that user and for operators only.`, {
    status: 403,
  })
}
