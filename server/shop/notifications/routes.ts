import { Elysia } from 'elysia'
import type { Authorize } from '../../auth/actor.ts'
import type { Bodies } from '../../http/body.ts'
import { requestKey } from '../../http/idempotency.ts'
import { jsonBody, LARGE_BODY, SMALL_BODY } from '../../http/json-body.ts'
import { pageRequest } from '../../http/paging.ts'
import { otherMethods } from '../../http/problem.ts'
import { withCursor } from '../../http/response-headers.ts'
import type { Notifications } from './notifications.ts'
import * as docs from './route-docs.ts'

/** What the routes of notifications need. */
export interface NotificationRoutesOptions {
  notifications: Notifications
  bodies: Bodies
  authorize: Authorize
}

/** `/api/notifications`. */
export const notificationRoutes = ({ notifications, bodies, authorize }: NotificationRoutesOptions) =>
  new Elysia({ name: 'notifications', prefix: '/api/notifications', tags: ['notifications'] })
    .get(
      '/',
      async ({ query, request, set }) =>
        withCursor(set, await notifications.inbox(pageRequest(query), await authorize(request))),
      docs.INBOX,
    )
    .post(
      '/',
      async ({ body, request, set }) => {
        const actor = await authorize(request)
        const notification = await notifications.send(body, requestKey(request, actor.user, body), actor)
        set.status = 201
        return notification
      },
      { ...docs.SEND, parse: jsonBody(bodies, docs.SEND.body, LARGE_BODY, authorize) },
    )
    .post('/read', async ({ body, request }) => notifications.readAll(body.through, await authorize(request)), {
      ...docs.READ_ALL,
      parse: jsonBody(bodies, docs.READ_ALL.body, SMALL_BODY, authorize),
    })
    .post(
      '/:id/read',
      async ({ params, request }) => notifications.read(params.id, await authorize(request)),
      docs.READ,
    )
    .use(otherMethods({ '/': 'GET, POST', '/read': 'POST', '/:id/read': 'POST' }))
