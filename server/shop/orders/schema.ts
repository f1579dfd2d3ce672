import { Type } from '@sinclair/typebox'
import { ChannelToken } from '../../protocol/schema.ts'

/** The statuses of an order. */
export const OrderStatus = Type.Union(
  [
    Type.Literal('pending'),
    Type.Literal('paid'),
    Type.Literal('packed'),
    Type.Literal('shipped'),
    Type.Literal('delivered'),
    Type.Literal('cancelled'),
  ],
  { description: 'pending → paid → packed → shipped → delivered; cancelled from the first three' },
)

/** A line of an order. */
export const OrderLine = Type.Object(
  {
    sku: Type.String({ minLength: 1, maxLength: 100, examples: ['A1'] }),
    name: Type.String({ minLength: 1, maxLength: 200, examples: ['Tea'] }),
    quantity: Type.Integer({ minimum: 1, maximum: 1_000_000, examples: [2] }),
    unitPrice: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      description: 'in minor units (cents)',
      examples: [450],
    }),
  },
  { additionalProperties: false, title: 'OrderLine' },
)

/** The body of `POST /api/orders`. */
export const NewOrder = Type.Object(
  {
    customer: ChannelToken('a token of the channel orders.<customer>.<id>', ['alice']),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217', examples: ['EUR'] }),
    // An event with the whole order stays well below MAX_EVENT_BYTES.
    lines: Type.Array(OrderLine, { minItems: 1, maxItems: 100 }),
  },
  { additionalProperties: false, title: 'NewOrder' },
)

/** An order. */
export const Order = Type.Object(
  {
    id: Type.Integer({ examples: [17] }),
    customer: Type.String({ examples: ['alice'] }),
    currency: Type.String({ examples: ['EUR'] }),
    lines: Type.Array(OrderLine),
    total: Type.Integer({ description: 'in minor units', examples: [900] }),
    status: OrderStatus,
    version: Type.Integer({ description: 'grows by one with each change', examples: [1] }),
    createdAt: Type.String({ format: 'date-time' }),
    updatedAt: Type.String({ format: 'date-time' }),
  },
  { title: 'Order' },
)

/** The type of {@link OrderStatus}. */
export type OrderStatus = typeof OrderStatus.static

/** All statuses, in the order of the steps. */
export const STATUSES = OrderStatus.anyOf.map((status) => status.const)

/** The type of {@link OrderLine}. */
export type OrderLine = typeof OrderLine.static
/** The type of {@link NewOrder}. */
export type NewOrder = typeof NewOrder.static
/** The type of {@link Order}. */
export type Order = typeof Order.static
