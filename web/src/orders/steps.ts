import type { OrderStatus } from '../../../server/shop/orders/schema.ts'

/** The steps of an order: from each status, those that may follow. The server has the last word. */
export const NEXT: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending: ['paid', 'cancelled'],
  paid: ['packed', 'cancelled'],
  packed: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
}
