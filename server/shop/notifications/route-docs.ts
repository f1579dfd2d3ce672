import { Type } from '@sinclair/typebox'
import { detail } from '../../http/describe-route.ts'
import { NextPage, pageParameters } from '../../http/paging.ts'
import { BooleanInAddress, IdInAddress, NoQuery } from '../../http/parameters.ts'
import { ChannelToken, Cursor } from '../../protocol/schema.ts'
import { NewNotification, Notification } from './schema.ts'

/** `GET /api/notifications`. */
export const INBOX = {
  query: Type.Object({
    person: Type.Optional(ChannelToken("whose inbox; defaults to the user's own", ['alice'])),
    unread: Type.Optional(BooleanInAddress({ description: 'only what is not read yet' })),
    ...pageParameters,
  }),
  response: Type.Object({
    notifications: Type.Array(Notification),
    next: NextPage,
    unread: Type.Integer({ description: 'how many are not read, on this page or not' }),
    cursor: Cursor,
  }),
  detail: detail({
    summary: 'The inbox of the user, newest first',
    description: 'A user gets 403 for the inbox of another `person`; an operator sees all.',
    headers: ['X-User', 'X-Client-Id'],
    responseHeaders: ['X-Cursor'],
  }),
}

/** `POST /api/notifications`. */
export const SEND = {
  query: NoQuery,
  body: NewNotification,
  response: { 201: Notification },
  detail: detail({
    summary: 'Send a notification to a person, to several, or to everyone',
    description:
      'Requires the right to publish to the channel of each recipient: `notifications.<person>`, or `broadcast` for everyone (403 otherwise).',
    headers: ['X-User', 'X-Client-Id', 'Idempotency-Key'],
    errors: ['key.deleted', 'key.invalid', 'key.reused', 'notification.too_large'],
  }),
}

/** `POST /api/notifications/read`. */
export const READ_ALL = {
  query: NoQuery,
  body: Type.Object(
    {
      through: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'only up to this id; defaults to all',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({
    ids: Type.Array(Type.Integer(), { description: 'what was marked now, at most 10,000 at once' }),
    unread: Type.Integer({ description: 'how many are left' }),
  }),
  detail: detail({
    summary: 'Mark everything as read',
    description: "In the user's own inbox, also for an operator.",
    headers: ['X-User', 'X-Client-Id'],
  }),
}

/** `POST /api/notifications/:id/read`. */
export const READ = {
  query: NoQuery,
  params: Type.Object({ id: IdInAddress }),
  parse: 'none',
  response: Notification,
  detail: detail({
    summary: 'Mark a notification as read',
    description: "In the user's own inbox, also for an operator: another notification is unknown (404).",
    headers: ['X-User', 'X-Client-Id'],
    errors: ['notification.unknown'],
  }),
} as const
