import type { OrderStatus } from '../../../server/shop/orders/schema.ts'

/** Every status of an order, in the order of the board's columns. */
export const STATUSES: readonly OrderStatus[] = ['pending', 'paid', 'packed', 'shipped', 'delivered', 'cancelled']

/** The transitions that the dashboard offers from each status. The server decides which are allowed. */
export const NEXT: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending: ['paid', 'cancelled'],
  paid: ['packed', 'cancelled'],
  packed: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
}

/** The verb of the transition to a status; no transition leads to `pending`. */
export const VERBS: Readonly<Partial<Record<OrderStatus, string>>> = {
  paid: 'Pay',
  packed: 'Pack',
  shipped: 'Ship',
  delivered: 'Deliver',
  cancelled: 'Cancel',
}

/** Ids of orders by their status. @param statusOf `undefined` for orders that are gone */
export function groupByStatus(
  ids: readonly number[],
  statusOf: (id: number) => OrderStatus | undefined,
): Readonly<Record<OrderStatus, readonly number[]>> {
  const columns = Object.fromEntries(STATUSES.map((status) => [status, [] as number[]])) as Record<
    OrderStatus,
    number[]
  >
  for (const id of ids) {
    const status = statusOf(id)
    if (status) columns[status].push(id)
  }
  return columns
}
