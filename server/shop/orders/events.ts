import { Type } from '@sinclair/typebox'
import { ChangedMembers } from '../change.ts'
import { Order, STATUSES } from './schema.ts'

/** The data of an event of an order. */
export const OrderChange = Type.Object({ order: Order, changed: ChangedMembers(['status']) }, { title: 'OrderChange' })

/** The type of {@link OrderChange}. */
export type OrderChange = typeof OrderChange.static

const STEPS = STATUSES.filter((status) => status !== 'pending')

/** The events on `orders.<customer>.<id>`: type → summary. */
export const ORDER_EVENTS = {
  'order.created': 'It was created, pending.',
  ...(Object.fromEntries(STEPS.map((status) => [`order.${status}`, `It became ${status}.`])) as Record<
    `order.${(typeof STEPS)[number]}`,
    string
  >),
  'order.deleted': 'It was deleted; the order is as it was before, with the next version.',
} as const
