import { Type } from '@sinclair/typebox'
import { Notification } from './schema.ts'

/** The data of `notification.sent`, on `notifications.<person>` or `broadcast`. */
export const NotificationSent = Type.Object({ notification: Notification }, { title: 'NotificationSent' })

/** The data of `notification.read`, on `notifications.<person>`. */
export const NotificationsRead = Type.Object(
  {
    ids: Type.Array(Type.Integer(), { description: 'which notifications the recipient has read', examples: [[5]] }),
    readAt: Type.String({ format: 'date-time' }),
    version: Type.Integer({ description: 'their version now: 2', examples: [2] }),
  },
  { title: 'NotificationsRead' },
)

/** The type of {@link NotificationSent}. */
export type NotificationSent = typeof NotificationSent.static
/** The type of {@link NotificationsRead}. */
export type NotificationsRead = typeof NotificationsRead.static
