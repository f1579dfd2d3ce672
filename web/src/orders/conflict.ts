import type { Order, OrderStatus } from '../../../server/shop/orders/schema.ts'

const CONFLICTS: readonly string[] = ['order.version_conflict', 'order.illegal_transition']

/**
 * Whether an error of a transition means that the order has changed since the page has read it.
 *
 * @param code of the problem document
 */
export const isConflict = (code: string): boolean => CONFLICTS.includes(code)

/**
 * The message for a transition that another user's change has prevented.
 *
 * @param id of the order
 * @param to status that the order should have got
 * @param current the order as it is; `undefined` when it was deleted
 */
export function conflictMessage(id: number, to: OrderStatus, current: Order | undefined): string {
  if (!current) return `Order ${id} was deleted.`
  return `Order ${id} was not changed to ${to}: another user has changed it to ${current.status}. The board shows its current status.`
}
