import { Type } from '@sinclair/typebox'
import { Notification } from './schema.ts'

/** What `notification.sent` carries, on `notifications.<person>` or `broadcast`. */
export const NotificationSent = Type.Object({ notification: Notification }, { title: 'NotificationSent' })

/** What `notification.read` carries, on `notifications.<person>`. */
export const NotificationsRead = Type.Object(
  {
    ids: Type.Array(Type.Integer(), { description: 'which the person has read now', examples: [[5]] }),
    readAt: Type.String({ format: 'date-time' }),
    version: Type.Integer({ description: 'that they have now: 2', examples: [2] }),
  },
  { title: 'NotificationsRead' },
)

export type NotificationSent = typeof NotificationSent.static
export type NotificationsRead = typeof NotificationsRead.static
