import type { Actor } from '../../auth/identity.ts'
import { checkNotDeleted, madeBefore, type RequestKey } from '../../http/idempotency.ts'
import { PAGE_BYTES } from '../../http/page-bytes.ts'
import { type Outbox, publishEvent } from '../../log/outbox.ts'
import type { Sql } from '../../platform/database.ts'
import { AppError } from '../../platform/errors.ts'
import type { AtCursor } from '../../protocol/schema.ts'
import type { NewNotification, Notification, NotificationLevel } from './schema.ts'

/** Where events for everyone go. */
const BROADCAST = 'broadcast'
const channelOf = (person: string): string => `notifications.${person}`

/** Most bytes of the events of one notification to several people: each gets a copy in the log. */
const MAX_COPIES_BYTES = 2 * 2 ** 20

/** Most notifications that are marked as read at once. */
const MAX_READ = 10_000

export interface InboxFilter {
  /** Only those that the person has not read. */
  unread?: boolean | undefined
  /** Notifications with smaller ids: the `next` of the page before. */
  before?: number | undefined
  limit: number
}

export interface Inbox {
  notifications: Notification[]
  /** `before` of the next page; `null` on the last. */
  next: number | null
  /** How many the person has not read, on this page or not. */
  unread: number
}

/** Notifications in Postgres. Each, and each reading, is one transaction with its events. */
export interface Notifications {
  /**
   * With a key that sent one before, answers that one and sends nothing.
   *
   * @throws {AppError} `key.reused`, `key.deleted`, `notification.too_large` (413)
   */
  send(notification: NewNotification, key: RequestKey | null, actor: Actor): Promise<Notification>
  /** What the person got, newest first. A page of large ones ends after 1 MiB; `next` says whether there are more. */
  inbox(person: string, filter: InboxFilter): Promise<AtCursor<Inbox>>
  /** Again does nothing. @throws {AppError} `notification.unknown` (404): it is not there, or not this person's */
  read(id: number, actor: Actor): Promise<Notification>
  /** All up to `through` (by default all), at most 10,000 at once; answers which, and how many are left. */
  readAll(through: number | undefined, actor: Actor): Promise<{ ids: number[]; unread: number }>
}

export function createNotifications(outbox: Outbox): Notifications {
  return {
    send: ({ to, title, body = '', level = 'info', link = null }, key, actor) =>
      outbox.change(async (sql) => {
        const [created] = await sql<Row[]>`
          insert into sse.notifications (sender, everyone, title, body, level, link, key, request)
          values (${actor.user}, ${to === 'everyone'}, ${title}, ${body}, ${level}, ${link},
                  ${key?.key ?? null}, ${key?.digest ?? null})
          on conflict (key) where key is not null do nothing
          returning *, null as read_at`
        if (!created) {
          const given = key as RequestKey
          const [existing] = await sql<Row[]>`
            select *, null as read_at from sse.notifications where key = ${given.key}`
          return toNotification(madeBefore(existing, given))
        }
        await checkNotDeleted(sql, 'notifications', key)
        const notification = toNotification(created)
        if (to === 'everyone') await announce(sql, [BROADCAST], notification, actor)
        else {
          const people = [...new Set(to)]
          checkCopies(notification, people.length)
          await sql`
            insert into sse.notification_deliveries (person, notification)
            select unnest(${people}::text[]), ${created.id}`
          await announce(sql, people.map(channelOf), notification, actor)
        }
        return notification
      }),
    async inbox(person, { unread = false, before = Number.MAX_SAFE_INTEGER, limit }) {
      const rows = await outbox.query(
        (sql) => sql<(Row & { cursor: string; unread: number; matching: number })[]>`
          select (select sse.cursor()) as cursor, (${countUnread(sql, person)}) as unread, found.*
          from sse.head left join lateral (
            select *, count(*) over () as matching,
              sum(octet_length(body)) over (order by id desc rows between unbounded preceding and 1 preceding) as bytes_before
            from (
              (select n.*, d.read_at
               from sse.notification_deliveries d join sse.notifications n on n.id = d.notification
               where d.person = ${person} and not n.everyone and d.notification < ${before}
                 and (d.read_at is null or not ${unread})
               order by d.notification desc limit ${limit + 1})
              union all
              (select n.*, d.read_at
               from sse.notifications n
               left join sse.notification_deliveries d on d.notification = n.id and d.person = ${person}
               where n.everyone and n.id < ${before} and (d.read_at is null or not ${unread})
               order by n.id desc limit ${limit + 1})
              order by id desc limit ${limit + 1}
            ) n
          ) found on coalesce(found.bytes_before, 0) < ${PAGE_BYTES}
          order by found.id desc`,
      )
      const notifications = rows
        .filter(({ id }) => id !== null)
        .slice(0, limit)
        .map(toNotification)
      const next = (rows[0]?.matching ?? 0) > notifications.length ? (notifications.at(-1)?.id ?? null) : null
      return { notifications, next, unread: rows[0]?.unread ?? 0, cursor: rows[0]?.cursor ?? '0' }
    },
    read: (id, actor) =>
      outbox.change(async (sql) => {
        const ids = await markRead(sql, [id], actor)
        const [row] = await sql<Row[]>`
          select n.*, d.read_at from sse.notifications n
          join sse.notification_deliveries d on d.notification = n.id and d.person = ${actor.user}
          where n.id = ${id}`
        if (!row?.read_at) throw unknown(id)
        if (ids.length > 0) await announceRead(sql, ids, row.read_at, actor)
        return toNotification(row)
      }),
    readAll: (through = Number.MAX_SAFE_INTEGER, actor) =>
      outbox.change(async (sql) => {
        const waiting = await sql<{ id: number }[]>`
          select id from (
            select notification as id from sse.notification_deliveries where person = ${actor.user} and read_at is null
            union all
            select n.id from sse.notifications n where n.everyone and not exists (
              select from sse.notification_deliveries d where d.notification = n.id and d.person = ${actor.user})
          ) w where id <= ${through} order by id desc limit ${MAX_READ}`
        const ids = await markRead(
          sql,
          waiting.map(({ id }) => id),
          actor,
        )
        if (ids.length > 0) await announceRead(sql, ids, await transactionTime(sql), actor)
        const [left] = await sql<{ unread: number }[]>`select (${countUnread(sql, actor.user)}) as unread`
        return { ids, unread: left?.unread ?? 0 }
      }),
  }
}

const countUnread = (sql: Sql, person: string) => sql`
  select (select count(*) from sse.notification_deliveries where person = ${person} and read_at is null)
       + (select count(*) from sse.notifications n where n.everyone and not exists (
            select from sse.notification_deliveries d where d.notification = n.id and d.person = ${person}))`

/** Of what a person got, marks what is not read yet, and answers which that was: each is told once. */
async function markRead(sql: Sql, ids: readonly number[], { user }: Actor): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    insert into sse.notification_deliveries as d (person, notification, read_at)
    select ${user}, n.id, now() from sse.notifications n
    where n.id = any (${ids as number[]}::bigint[]) and (n.everyone or exists (
      select from sse.notification_deliveries o where o.notification = n.id and o.person = ${user}))
    order by n.id
    on conflict (person, notification) do update set read_at = excluded.read_at where d.read_at is null
    returning notification as id`
  return rows.map(({ id }) => id)
}

/** @throws {AppError} `notification.too_large` (413): one short request must not fill the log and hold up others' events */
function checkCopies(notification: Notification, recipients: number): void {
  if (Buffer.byteLength(JSON.stringify(notification)) * recipients <= MAX_COPIES_BYTES) return
  throw new AppError(
    'notification.too_large',
    `The notification for ${recipients} people has more than ${MAX_COPIES_BYTES} bytes altogether. Send a shorter text with a link, send it to fewer people at once, or to everyone.`,
    { status: 413, extensions: { limit: MAX_COPIES_BYTES } },
  )
}

/** To many at once. */
const announce = (sql: Sql, channels: readonly string[], notification: Notification, { clientId }: Actor) => sql`
  select sse.publish(channel, 'notification.sent', ${JSON.stringify({ notification })}::text, origin => ${clientId})
  from unnest(${channels as string[]}::text[]) as channel`

/** The `now()` of a transaction: what is read in it is read at that time. */
async function transactionTime(sql: Sql): Promise<Date> {
  const [row] = await sql<{ time: Date }[]>`select now() as time`
  return row?.time ?? new Date()
}

const announceRead = (sql: Sql, ids: readonly number[], readAt: Date, { user, clientId }: Actor) =>
  publishEvent(sql, {
    channel: channelOf(user),
    type: 'notification.read',
    data: { ids, readAt: readAt.toISOString(), version: READ },
    origin: clientId,
  })

const SENT = 1
const READ = 2

interface Row {
  id: number | null
  sender: string
  everyone: boolean
  title: string
  body: string
  level: NotificationLevel
  link: string | null
  created_at: Date
  read_at: Date | null
  request: string | null
}

const toNotification = ({
  id,
  sender,
  everyone,
  title,
  body,
  level,
  link,
  created_at,
  read_at,
}: Row): Notification => ({
  id: id as number,
  sender,
  everyone,
  title,
  body,
  level,
  link,
  createdAt: created_at.toISOString(),
  readAt: read_at?.toISOString() ?? null,
  version: read_at ? READ : SENT,
})

const unknown = (id: number) =>
  new AppError('notification.unknown', `There is no notification ${id} in your inbox.`, { status: 404 })
