import { Type } from '@sinclair/typebox'
import { Elysia, t } from 'elysia'
import { identify } from '../../auth/identity.ts'
import type { Bodies } from '../../http/body.ts'
import { detail } from '../../http/describe-route.ts'
import { requestKey } from '../../http/idempotency.ts'
import { jsonBody, LARGE_BODY, SMALL_BODY } from '../../http/json-body.ts'
import { IdInAddress } from '../../http/parameters.ts'
import { otherMethods } from '../../http/problem.ts'
import { LIST_PAGE } from '../../protocol/limits.ts'
import { Cursor, Nullable } from '../../protocol/schema.ts'
import type { Notifications } from './notifications.ts'
import { NewNotification, Notification } from './schema.ts'

export interface NotificationRoutesOptions {
  notifications: Notifications
  bodies: Bodies
}

const Reading = t.Object(
  {
    through: t.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'only up to this id; defaults to all',
      }),
    ),
  },
  { additionalProperties: false },
)

/** `/api/notifications`. */
export const notificationRoutes = ({ notifications, bodies }: NotificationRoutesOptions) => {
  return new Elysia({ name: 'notifications', prefix: '/api/notifications', tags: ['notifications'] })
    .get(
      '/',
      async ({ query, request, set }) => {
        const { limit = LIST_PAGE.default, ...filter } = query
        const inbox = await notifications.inbox(identify(request).user, { ...filter, limit })
        set.headers['x-cursor'] = String(inbox.cursor)
        return inbox
      },
      {
        query: t.Object({
          unread: t.Optional(t.BooleanString({ description: 'only what is not read yet' })),
          before: t.Optional(
            t.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'the `next` of the page before' }),
          ),
          limit: t.Optional(
            t.Integer({
              minimum: 1,
              maximum: LIST_PAGE.max,
              description: `Defaults to ${LIST_PAGE.default}; a page of large notifications has fewer.`,
            }),
          ),
        }),
        response: t.Object({
          notifications: t.Array(Notification),
          next: Nullable(Type.Integer({ description: '`before` of the next page' })),
          unread: Type.Integer({ description: 'how many are not read, on this page or not' }),
          cursor: Cursor,
        }),
        detail: detail({
          summary: 'The inbox of who asks, newest first',
          headers: ['X-User'],
          responseHeaders: ['X-Cursor'],
        }),
      },
    )
    .post(
      '/',
      async ({ body, request, set }) => {
        const actor = identify(request)
        const notification = await notifications.send(body, requestKey(request, actor.user, body), actor)
        set.status = 201
        return notification
      },
      {
        parse: jsonBody(bodies, NewNotification, LARGE_BODY),
        body: NewNotification,
        response: { 201: Notification },
        detail: detail({
          summary: 'Send a notification to a person, to several, or to everyone',
          headers: ['X-User', 'X-Client-Id', 'Idempotency-Key'],
          errors: ['key.deleted', 'key.invalid', 'key.reused', 'notification.too_large'],
        }),
      },
    )
    .post('/read', async ({ body, request }) => notifications.readAll(body.through, identify(request)), {
      parse: jsonBody(bodies, Reading, SMALL_BODY),
      body: Reading,
      response: t.Object({
        ids: t.Array(Type.Integer(), { description: 'what was marked now, at most 10,000 at once' }),
        unread: Type.Integer({ description: 'how many are left' }),
      }),
      detail: detail({ summary: 'Mark everything as read', headers: ['X-User', 'X-Client-Id'] }),
    })
    .post('/:id/read', async ({ params, request }) => notifications.read(params.id, identify(request)), {
      params: t.Object({ id: IdInAddress }),
      parse: 'none',
      response: Notification,
      detail: detail({
        summary: 'Mark a notification as read',
        headers: ['X-User', 'X-Client-Id'],
        errors: ['notification.unknown'],
      }),
    })
    .use(otherMethods({ '/': 'GET, POST', '/read': 'POST', '/:id/read': 'POST' }))
}
