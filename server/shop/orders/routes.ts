import { Type } from '@sinclair/typebox'
import { Elysia, t } from 'elysia'
import { identify } from '../../auth/identity.ts'
import type { Bodies } from '../../http/body.ts'
import { detail } from '../../http/describe-route.ts'
import { requestKey } from '../../http/idempotency.ts'
import { jsonBody, LARGE_BODY, SMALL_BODY } from '../../http/json-body.ts'
import { IdInAddress, NoQuery } from '../../http/parameters.ts'
import { otherMethods } from '../../http/problem.ts'
import { etagOf, ifMatch } from '../../http/request-headers.ts'
import { LIST_PAGE } from '../../protocol/limits.ts'
import { ChannelToken, Cursor, Nullable } from '../../protocol/schema.ts'
import type { Orders } from './orders.ts'
import { NewOrder, Order, OrderStatus } from './schema.ts'

export interface OrderRoutesOptions {
  orders: Orders
  bodies: Bodies
}

const Id = t.Object({ id: IdInAddress })
const Transition = t.Object({ to: OrderStatus }, { additionalProperties: false })
const OrderAtCursor = t.Composite([Order, t.Object({ cursor: Cursor })])
const OrderList = t.Object({
  orders: t.Array(Order),
  next: Nullable(Type.Integer({ description: '`before` of the next page' })),
  cursor: Cursor,
})

/** `/api/orders`. */
export const orderRoutes = ({ orders, bodies }: OrderRoutesOptions) => {
  return new Elysia({
    name: 'orders',
    prefix: '/api/orders',
    tags: ['orders'],
  })
    .get(
      '/',
      async ({ query, set }) => {
        const { limit = LIST_PAGE.default, ...filter } = query
        const page = await orders.list({ ...filter, limit })
        set.headers['x-cursor'] = String(page.cursor)
        return page
      },
      {
        query: t.Object({
          status: t.Optional(OrderStatus),
          customer: t.Optional(ChannelToken('whose orders', ['alice'])),
          before: t.Optional(
            t.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'the `next` of the page before' }),
          ),
          limit: t.Optional(
            t.Integer({
              minimum: 1,
              maximum: LIST_PAGE.max,
              description: `Defaults to ${LIST_PAGE.default}; a page of large orders has fewer.`,
            }),
          ),
        }),
        response: OrderList,
        detail: detail({ summary: 'Orders, newest first', responseHeaders: ['X-Cursor'] }),
      },
    )
    .post(
      '/',
      async ({ body, request, set }) => {
        const actor = identify(request)
        const order = await orders.create(body, requestKey(request, actor.user, body), actor)
        set.status = 201
        set.headers.location = `/api/orders/${order.id}`
        set.headers.etag = etagOf(order)
        return order
      },
      {
        parse: jsonBody(bodies, NewOrder, LARGE_BODY),
        body: NewOrder,
        response: { 201: Order },
        detail: detail({
          summary: 'Create an order',
          headers: ['X-User', 'X-Client-Id', 'Idempotency-Key'],
          errors: ['key.deleted', 'key.invalid', 'key.reused', 'order.total_too_large'],
          responseHeaders: ['Location', 'ETag'],
        }),
      },
    )
    .get(
      '/count',
      async ({ set }) => {
        const counted = await orders.count()
        set.headers['x-cursor'] = String(counted.cursor)
        return counted
      },
      {
        query: NoQuery,
        response: t.Object({ counts: t.Record(t.String(), Type.Integer()), cursor: Cursor }),
        detail: detail({ summary: 'How many orders there are, by status', responseHeaders: ['X-Cursor'] }),
      },
    )
    .get(
      '/:id',
      async ({ params, set }) => {
        const order = await orders.read(params.id)
        set.headers['x-cursor'] = String(order.cursor)
        set.headers.etag = etagOf(order)
        return order
      },
      {
        params: Id,
        response: OrderAtCursor,
        detail: detail({ summary: 'One order', errors: ['order.unknown'], responseHeaders: ['X-Cursor', 'ETag'] }),
      },
    )
    .delete(
      '/:id',
      async ({ params, request, set }) => {
        await orders.remove(params.id, ifMatch(request), identify(request))
        set.status = 204
      },
      {
        params: Id,
        detail: detail({
          summary: 'Delete an order that is pending, delivered or cancelled',
          headers: ['X-User', 'X-Client-Id', 'If-Match'],
          errors: ['order.unknown', 'order.not_deletable', 'order.version_conflict', 'if_match.invalid'],
          operation: { responses: { 204: { description: 'Done.' } } },
        }),
      },
    )
    .post(
      '/:id/transitions',
      async ({ params, body, request, set }) => {
        const order = await orders.transition(params.id, body.to, ifMatch(request), identify(request))
        set.headers.etag = etagOf(order)
        return order
      },
      {
        parse: jsonBody(bodies, Transition, SMALL_BODY),
        params: Id,
        body: Transition,
        response: Order,
        detail: detail({
          summary: 'Move an order to its next status',
          headers: ['X-User', 'X-Client-Id', 'If-Match'],
          errors: ['order.unknown', 'order.illegal_transition', 'order.version_conflict', 'if_match.invalid'],
          responseHeaders: ['ETag'],
        }),
      },
    )
    .use(otherMethods({ '/': 'GET, POST', '/count': 'GET', '/:id': 'GET, DELETE', '/:id/transitions': 'POST' }))
}
