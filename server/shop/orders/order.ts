import { AppError } from '../../platform/errors.ts'
import type { Order, OrderLine, OrderStatus } from './schema.ts'

/** The state machine of an order: the statuses that may follow each. */
export const NEXT: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending: ['paid', 'cancelled'],
  paid: ['packed', 'cancelled'],
  packed: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
}

/** Statuses in which an order may be deleted: it is finished, or not paid yet. */
const DELETABLE: ReadonlySet<OrderStatus> = new Set(['pending', 'delivered', 'cancelled'])

/** @throws {AppError} `order.illegal_transition` (409) with the `current` status and those that may follow, as `allowed` */
export function checkTransition({ id, status }: Pick<Order, 'id' | 'status'>, to: OrderStatus): void {
  const allowed = NEXT[status]
  if (allowed.includes(to)) return
  const next = allowed.length > 0 ? `It may become ${allowed.join(' or ')}.` : 'Its status is final.'
  throw new AppError('order.illegal_transition', `Order ${id} is ${status} and can't become ${to}. ${next}`, {
    status: 409,
    extensions: { allowed, current: status },
  })
}

/** @throws {AppError} `order.not_deletable` (409) when the order is neither finished nor pending */
export function checkDeletable({ id, status }: Pick<Order, 'id' | 'status'>): void {
  if (DELETABLE.has(status)) return
  throw new AppError(
    'order.not_deletable',
    `Order ${id} is ${status}; only orders that are ${[...DELETABLE].join(', ')} can be deleted.`,
    { status: 409 },
  )
}

/** The sum of the lines in minor units. @throws {AppError} `order.total_too_large` above 2^53 − 1, the largest exact number */
export function totalOf(lines: readonly OrderLine[]): number {
  const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0)
  if (Number.isSafeInteger(total)) return total
  throw new AppError('order.total_too_large', 'The total of the order is too large.')
}

/** The channel of the events of an order: `orders.<customer>.<id>`. */
export const channelOf = ({ customer, id }: Pick<Order, 'customer' | 'id'>): string => `orders.${customer}.${id}`
