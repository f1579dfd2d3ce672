import { Elysia } from 'elysia'
import type { Authorize } from '../../auth/actor.ts'
import type { Bodies } from '../../http/body.ts'
import { ifMatch } from '../../http/conditional.ts'
import { requestKey } from '../../http/idempotency.ts'
import { jsonBody, LARGE_BODY, SMALL_BODY } from '../../http/json-body.ts'
import { pageRequest } from '../../http/paging.ts'
import { otherMethods } from '../../http/problem.ts'
import { asCreated, withCursor, withVersion } from '../../http/response-headers.ts'
import type { Orders } from './orders.ts'
import * as docs from './route-docs.ts'

/** What the routes of orders need. */
export interface OrderRoutesOptions {
  orders: Orders
  bodies: Bodies
  authorize: Authorize
}

/** `/api/orders`. */
export const orderRoutes = ({ orders, bodies, authorize }: OrderRoutesOptions) =>
  new Elysia({ name: 'orders', prefix: '/api/orders', tags: ['orders'] })
    .get(
      '/',
      async ({ query, request, set }) =>
        withCursor(set, await orders.list(pageRequest(query), await authorize(request))),
      docs.LIST,
    )
    .post(
      '/',
      async ({ body, request, set }) => {
        const actor = await authorize(request)
        return asCreated(set, await orders.create(body, requestKey(request, actor.user, body), actor), '/api/orders')
      },
      { ...docs.CREATE, parse: jsonBody(bodies, docs.CREATE.body, LARGE_BODY, authorize) },
    )
    .get(
      '/count',
      async ({ request, set }) => withCursor(set, await orders.count(await authorize(request))),
      docs.COUNT,
    )
    .get(
      '/:id',
      async ({ params, request, set }) =>
        withVersion(set, withCursor(set, await orders.read(params.id, await authorize(request)))),
      docs.READ,
    )
    .delete(
      '/:id',
      async ({ params, request, set }) => {
        await orders.remove(params.id, ifMatch(request), await authorize(request))
        set.status = 204
      },
      docs.REMOVE,
    )
    .post(
      '/:id/transitions',
      async ({ params, body, request, set }) =>
        withVersion(set, await orders.transition(params.id, body.to, ifMatch(request), await authorize(request))),
      { ...docs.TRANSITION, parse: jsonBody(bodies, docs.TRANSITION.body, SMALL_BODY, authorize) },
    )
    .use(otherMethods({ '/': 'GET, POST', '/count': 'GET', '/:id': 'GET, DELETE', '/:id/transitions': 'POST' }))
