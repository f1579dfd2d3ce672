import { AppError } from '../../platform/errors.ts'
import type { Order, OrderLine, OrderStatus } from './schema.ts'

/** The steps of an order: from each status, those that may follow. */
export const NEXT: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending: ['paid', 'cancelled'],
  paid: ['packed', 'cancelled'],
  packed: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
}

/** In these an order may be deleted: nobody waits for anything any more, or nothing has happened yet. */
const DELETABLE: ReadonlySet<OrderStatus> = new Set(['pending', 'delivered', 'cancelled'])

/** @throws {AppError} `order.illegal_transition` (409) with the statuses that may follow, as `allowed` */
export function checkTransition({ id, status }: Pick<Order, 'id' | 'status'>, to: OrderStatus): void {
  const allowed = NEXT[status]
  if (allowed.includes(to)) return
  const may = allowed.length > 0 ? `it may become ${allowed.join(' or ')}` : 'it stays so'
  throw new AppError('order.illegal_transition', `Order ${id} is ${status} and can't become ${to}; ${may}.`, {
    status: 409,
    extensions: { allowed, current: status },
  })
}

/** @throws {AppError} `order.not_deletable` (409) */
export function checkDeletable({ id, status }: Pick<Order, 'id' | 'status'>): void {
  if (DELETABLE.has(status)) return
  throw new AppError(
    'order.not_deletable',
    `Order ${id} is ${status}; only orders that are ${[...DELETABLE].join(', ')} can be deleted.`,
    {
      status: 409,
    },
  )
}

/** @param expected versions of `If-Match`; `undefined` for any. @throws {AppError} `order.version_conflict` (412) */
export function checkVersion(
  { id, version }: Pick<Order, 'id' | 'version'>,
  expected: readonly number[] | undefined,
): void {
  if (expected === undefined || expected.includes(version)) return
  throw new AppError(
    'order.version_conflict',
    `Order ${id} was changed meanwhile: it has version ${version}. Read it again and decide anew.`,
    { status: 412, extensions: { version } },
  )
}

/** In minor units. @throws {AppError} `order.total_too_large` when a number can't hold it exactly */
export function totalOf(lines: readonly OrderLine[]): number {
  const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0)
  if (Number.isSafeInteger(total)) return total
  throw new AppError('order.total_too_large', 'The total of the order is too large.')
}

export const channelOf = ({ customer, id }: Pick<Order, 'customer' | 'id'>): string => `orders.${customer}.${id}`
