import { type Actor, checkPublish } from '../../auth/actor.ts'
import { insertOnce, type RequestKey } from '../../http/idempotency.ts'
import type { PageRequest } from '../../http/paging.ts'
import type { Outbox } from '../../log/outbox.ts'
import type { Sql } from '../../platform/database.ts'
import { AppError } from '../../platform/errors.ts'
import type { AtCursor } from '../../protocol/schema.ts'
import { readPage } from '../at-cursor.ts'
import { checkOwner } from '../ownership.ts'
import {
  BROADCAST,
  channelOf,
  countUnread,
  type NotificationRow,
  publishRead,
  publishSent,
  toNotification,
  unknownNotification,
} from './notification-store.ts'
import type { NewNotification, Notification } from './schema.ts'

/** Maximum bytes of the events of one notification to several people: each recipient gets a copy in the log. */
const MAX_COPIES_BYTES = 2 * 2 ** 20

/** Maximum number of notifications that one request marks as read. */
const MAX_READ = 10_000

/** Which notifications of an inbox are listed; all by default. */
export interface InboxFilter extends PageRequest {
  /** Whose inbox. Defaults to that of the actor. */
  person?: string | undefined
  /** Only those that the person has not read. */
  unread?: boolean | undefined
}

/** A page of an inbox, newest first. */
export interface Inbox {
  notifications: Notification[]
  /** `before` of the next page; `null` on the last. */
  next: number | null
  /** How many the person has not read, on this page or not. */
  unread: number
}

/** Notifications in Postgres. Sending and reading are each one transaction with its events. */
export interface Notifications {
  /**
   * Sends a notification; with a key that has sent one before, returns that one.
   *
   * @throws {AppError} `access.denied` (403) unless the actor may publish to the channel of each recipient,
   * `key.reused` (422), `key.deleted` (410), `notification.too_large` (413)
   */
  send(notification: NewNotification, key: RequestKey | null, actor: Actor): Promise<Notification>
  /**
   * What a person received, newest first. A page of large ones ends after 1 MiB; `next` says whether there are more.
   *
   * @throws {AppError} `access.denied` (403) when a user asks for the inbox of another person
   */
  inbox(filter: InboxFilter, actor: Actor): Promise<AtCursor<Inbox>>
  /**
   * Marks one as read; a repetition changes nothing.
   *
   * @throws {AppError} `notification.unknown` (404) when it does not exist or has another recipient
   */
  read(id: number, actor: Actor): Promise<Notification>
  /**
   * Marks as read all up to the id `through`, at most 10,000 at once. By default all.
   *
   * @returns which it has marked, and how many are still unread
   */
  readAll(through: number | undefined, actor: Actor): Promise<{ ids: number[]; unread: number }>
}

/** Sends and reads notifications. @param outbox that the events are published by */
export const createNotifications = (outbox: Outbox): Notifications => ({
  async send(notification, key, actor) {
    checkRecipients(notification, actor)
    return outbox.change((sql) => send(sql, notification, key, actor))
  },
  inbox: (filter, actor) => readInbox(outbox, filter, actor),
  read: (id, actor) => outbox.change((sql) => readOne(sql, id, actor)),
  readAll: (through, actor) => outbox.change((sql) => readAll(sql, through, actor)),
})

/** @throws {AppError} `access.denied` (403) with the first channel that may not be published to */
function checkRecipients({ to }: NewNotification, actor: Actor): void {
  for (const channel of to === 'everyone' ? [BROADCAST] : to.map(channelOf)) checkPublish(actor, channel)
}

async function send(
  sql: Sql,
  { to, title, body = '', level = 'info', link }: NewNotification,
  key: RequestKey | null,
  actor: Actor,
): Promise<Notification> {
  const insert = () => sql<NotificationRow[]>`
    insert into sse.notifications (sender, everyone, title, body, level, link, key, request)
    values (${actor.user}, ${to === 'everyone'}, ${title}, ${body}, ${level}, ${link ?? null},
            ${key?.key ?? null}, ${key?.digest ?? null})
    on conflict (key) where key is not null do nothing
    returning *`
  const { row, isNew } = await insertOnce<NotificationRow>(sql, { table: 'notifications', key, insert })
  const notification = toNotification(row)
  if (!isNew) return notification
  if (to === 'everyone') await publishSent(sql, [BROADCAST], notification, actor)
  else await deliver(sql, notification, [...new Set(to)], actor)
  return notification
}

async function deliver(sql: Sql, notification: Notification, people: string[], actor: Actor): Promise<void> {
  checkCopies(notification, people.length)
  await sql`
    insert into sse.notification_deliveries (person, notification)
    select unnest(${people}::text[]), ${notification.id}`
  await publishSent(sql, people.map(channelOf), notification, actor)
}

/** @throws {AppError} `notification.too_large` (413): one short request must not fill the log and delay the events of others */
function checkCopies(notification: Notification, recipients: number): void {
  if (Buffer.byteLength(JSON.stringify(notification)) * recipients <= MAX_COPIES_BYTES) return
  throw new AppError(
    'notification.too_large',
    `The copies of the notification for ${recipients} people have more than ${MAX_COPIES_BYTES} bytes altogether. Send a shorter text with a link, send it to fewer people at once, or to everyone.`,
    { status: 413, extensions: { limit: MAX_COPIES_BYTES } },
  )
}

async function readInbox(
  outbox: Outbox,
  { person, unread = false, ...page }: InboxFilter,
  actor: Actor,
): Promise<AtCursor<Inbox>> {
  checkOwner(actor, person)
  const recipient = person ?? actor.user
  const { items, next, total, cursor } = await readPage<NotificationRow, Notification>(outbox, page, {
    newest: (sql, { before, limit }) => sql`
      (select n.*, d.read_at
       from sse.notification_deliveries d join sse.notifications n on n.id = d.notification
       where d.person = ${recipient} and not n.everyone and d.notification < ${before}
         and (d.read_at is null or not ${unread})
       order by d.notification desc limit ${limit})
      union all
      (select n.*, d.read_at
       from sse.notifications n
       left join sse.notification_deliveries d on d.notification = n.id and d.person = ${recipient}
       where n.everyone and n.id < ${before} and (d.read_at is null or not ${unread})
       order by n.id desc limit ${limit})
      order by id desc limit ${limit}`,
    bytes: (sql) => sql`octet_length(body)`,
    total: (sql) => countUnread(sql, recipient),
    toItem: toNotification,
  })
  return { notifications: items, next, unread: total, cursor }
}

async function readOne(sql: Sql, id: number, actor: Actor): Promise<Notification> {
  const ids = await markRead(sql, [id], actor)
  const [row] = await sql<NotificationRow[]>`
    select n.*, d.read_at from sse.notifications n
    join sse.notification_deliveries d on d.notification = n.id and d.person = ${actor.user}
    where n.id = ${id}`
  if (!row?.read_at) throw unknownNotification(id)
  if (ids.length > 0) await publishRead(sql, ids, row.read_at, actor)
  return toNotification(row)
}

async function readAll(sql: Sql, through = Number.MAX_SAFE_INTEGER, actor: Actor) {
  const waiting = await sql<{ id: number }[]>`
    select id from (
      select notification as id from sse.notification_deliveries where person = ${actor.user} and read_at is null
      union all
      select n.id from sse.notifications n where n.everyone and not exists (
        select from sse.notification_deliveries d where d.notification = n.id and d.person = ${actor.user})
    ) w where id <= ${through} order by id desc limit ${MAX_READ}`
  const waitingIds = waiting.map(({ id }) => id)
  const ids = await markRead(sql, waitingIds, actor)
  if (ids.length > 0) await publishRead(sql, ids, await transactionTime(sql), actor)
  const [left] = await sql<{ unread: number }[]>`select (${countUnread(sql, actor.user)})::int as unread`
  return { ids, unread: left?.unread ?? 0 }
}

/**
 * Marks as read what the person has received and not read yet. Of concurrent calls, one marks each notification.
 *
 * @returns which this call has marked
 */
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

/** The `now()` of the transaction: the time at which what it marks is read. */
async function transactionTime(sql: Sql): Promise<Date> {
  const [row] = await sql<{ time: Date }[]>`select now() as time`
  return row?.time ?? new Date()
}
