import type { Actor } from '../../auth/actor.ts'
import { publishEvent } from '../../log/outbox.ts'
import type { Sql } from '../../platform/database.ts'
import { AppError } from '../../platform/errors.ts'
import type { Notification, NotificationLevel } from './schema.ts'

/** The channel of notifications to everyone. */
export const BROADCAST = 'broadcast'

/** The channel of a person's notifications: `notifications.<person>`. */
export const channelOf = (person: string): string => `notifications.${person}`

/** Versions of a notification. */
const SENT = 1
const READ = 2

/** A row of sse.notifications, with the time at which one recipient has read it. */
export interface NotificationRow {
  id: number
  sender: string
  everyone: boolean
  title: string
  body: string
  level: NotificationLevel
  link: string | null
  created_at: Date
  /** Missing or `null` while it is unread. */
  read_at?: Date | null
  request: string | null
}

/** The notification as its recipient and events see it. */
export const toNotification = (row: NotificationRow): Notification => ({
  id: row.id,
  sender: row.sender,
  everyone: row.everyone,
  title: row.title,
  body: row.body,
  level: row.level,
  link: row.link,
  createdAt: row.created_at.toISOString(),
  readAt: row.read_at?.toISOString() ?? null,
  version: row.read_at ? READ : SENT,
})

/** The error for an id that is not in the inbox: `notification.unknown` (404). */
export const unknownNotification = (id: number): AppError =>
  new AppError('notification.unknown', `There is no notification ${id} in your inbox.`, { status: 404 })

/** Selects how many notifications a person has not read. */
export const countUnread = (sql: Sql, person: string) => sql`
  select (select count(*) from sse.notification_deliveries where person = ${person} and read_at is null)
       + (select count(*) from sse.notifications n where n.everyone and not exists (
            select from sse.notification_deliveries d where d.notification = n.id and d.person = ${person}))`

/** Publishes a notification on several channels in one statement, when the transaction commits. */
export const publishSent = (
  sql: Sql,
  channels: readonly string[],
  notification: Notification,
  { clientId }: Actor,
) => sql`
  select sse.publish(channel, 'notification.sent', ${JSON.stringify({ notification })}::text, origin => ${clientId})
  from unnest(${channels as string[]}::text[]) as channel`

/** Publishes which notifications a person has read, so that all pages of that person agree. */
export const publishRead = (sql: Sql, ids: readonly number[], readAt: Date, { user, clientId }: Actor): Promise<void> =>
  publishEvent(sql, {
    channel: channelOf(user),
    type: 'notification.read',
    data: { ids, readAt: readAt.toISOString(), version: READ },
    origin: clientId,
  })
