import { Type } from '@sinclair/typebox'
import { Order, STATUSES } from './schema.ts'

/** What an event of an order carries. */
export const OrderChange = Type.Object(
  {
    order: Order,
    changed: Type.Array(Type.String(), { description: 'the members that differ from before', examples: [['status']] }),
  },
  { title: 'OrderChange' },
)

export type OrderChange = typeof OrderChange.static

const STEPS = STATUSES.filter((status) => status !== 'pending')

/** The events on `orders.<customer>.<id>`, by type, with their summaries. */
export const ORDER_EVENTS = {
  'order.created': 'It was created, pending.',
  ...(Object.fromEntries(STEPS.map((status) => [`order.${status}`, `It became ${status}.`])) as Record<
    `order.${(typeof STEPS)[number]}`,
    string
  >),
  'order.deleted': 'It was deleted; the order is as it was before, with the next version.',
} as const
