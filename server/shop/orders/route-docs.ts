import { Type } from '@sinclair/typebox'
import { detail } from '../../http/describe-route.ts'
import { NextPage, pageParameters } from '../../http/paging.ts'
import { IdInAddress, NoQuery } from '../../http/parameters.ts'
import { ChannelToken, Cursor } from '../../protocol/schema.ts'
import { NewOrder, Order, OrderStatus } from './schema.ts'

const HEADERS = ['X-User', 'X-Client-Id'] as const
/** Whose orders a request reads and changes. */
const OWN =
  'A user reads and changes their own orders only: another one is unknown (404). An operator reads and changes all.'

const params = Type.Object({ id: IdInAddress })

const Transition = Type.Object({ to: OrderStatus }, { additionalProperties: false })

/** `GET /api/orders`. */
export const LIST = {
  query: Type.Object({
    status: Type.Optional(OrderStatus),
    customer: Type.Optional(ChannelToken('whose orders', ['alice'])),
    ...pageParameters,
  }),
  response: Type.Object({ orders: Type.Array(Order), next: NextPage, cursor: Cursor }),
  detail: detail({
    summary: 'Orders, newest first',
    description: 'A user sees their own orders, and gets 403 for another `customer`; an operator sees all.',
    headers: HEADERS,
    responseHeaders: ['X-Cursor'],
  }),
}

/** `POST /api/orders`. */
export const CREATE = {
  query: NoQuery,
  body: NewOrder,
  response: { 201: Order },
  detail: detail({
    summary: 'Create an order',
    description:
      'A user creates orders of which they are the customer (403 otherwise); an operator those of any customer.',
    headers: ['X-User', 'X-Client-Id', 'Idempotency-Key'],
    errors: ['key.deleted', 'key.invalid', 'key.reused', 'order.total_too_large'],
    responseHeaders: ['Location', 'ETag'],
  }),
}

/** `GET /api/orders/count`. */
export const COUNT = {
  query: NoQuery,
  response: Type.Object({ counts: Type.Record(Type.String(), Type.Integer()), cursor: Cursor }),
  detail: detail({
    summary: 'How many orders there are, by status',
    description: "Of the user's own orders; for an operator, of all.",
    headers: HEADERS,
    responseHeaders: ['X-Cursor'],
  }),
}

/** `GET /api/orders/:id`. */
export const READ = {
  query: NoQuery,
  params,
  response: Type.Composite([Order, Type.Object({ cursor: Cursor })]),
  detail: detail({
    summary: 'One order',
    description: OWN,
    headers: HEADERS,
    errors: ['order.unknown'],
    responseHeaders: ['X-Cursor', 'ETag'],
  }),
}

/** `DELETE /api/orders/:id`. */
export const REMOVE = {
  query: NoQuery,
  params,
  detail: detail({
    summary: 'Delete an order that is pending, delivered or cancelled',
    description: OWN,
    headers: ['X-User', 'X-Client-Id', 'If-Match'],
    errors: ['order.unknown', 'order.not_deletable', 'order.version_conflict', 'if_match.invalid'],
    operation: { responses: { 204: { description: 'Done.' } } },
  }),
}

/** `POST /api/orders/:id/transitions`. */
export const TRANSITION = {
  query: NoQuery,
  params,
  body: Transition,
  response: Order,
  detail: detail({
    summary: 'Move an order to its next status',
    description: OWN,
    headers: ['X-User', 'X-Client-Id', 'If-Match'],
    errors: ['order.unknown', 'order.illegal_transition', 'order.version_conflict', 'if_match.invalid'],
    responseHeaders: ['ETag'],
  }),
}
