import type { Actor } from '../../auth/identity.ts'
import { checkNotDeleted, madeBefore, type RequestKey } from '../../http/idempotency.ts'
import { PAGE_BYTES } from '../../http/page-bytes.ts'
import { type Outbox, publishEvent } from '../../log/outbox.ts'
import { coalesce } from '../../platform/coalesce.ts'
import type { Sql } from '../../platform/database.ts'
import { AppError } from '../../platform/errors.ts'
import type { AtCursor } from '../../protocol/schema.ts'
import { channelOf, checkDeletable, checkTransition, checkVersion, totalOf } from './order.ts'
import type { NewOrder, Order, OrderStatus } from './schema.ts'

export interface OrderFilter {
  status?: OrderStatus | undefined
  customer?: string | undefined
  /** Orders with smaller ids: the `next` of the page before. */
  before?: number | undefined
  limit: number
}

export interface OrderPage {
  orders: Order[]
  /** `before` of the next page; `null` on the last. */
  next: number | null
}

/** Orders in Postgres. Each change and its event are one transaction. */
export interface Orders {
  /** With a key that created an order before, answers that order and creates nothing. */
  create(order: NewOrder, key: RequestKey | null, actor: Actor): Promise<Order>
  /** Newest first. A page of large orders ends after 1 MiB; `next` says whether there are more. */
  list(filter: OrderFilter): Promise<AtCursor<OrderPage>>
  /** @throws {AppError} `order.unknown` (404) */
  read(id: number): Promise<AtCursor<Order>>
  count(): Promise<AtCursor<{ counts: Record<string, number> }>>
  /** @throws {AppError} `order.unknown` (404), `order.illegal_transition` (409), `order.version_conflict` (412) */
  transition(id: number, to: OrderStatus, versions: readonly number[] | undefined, actor: Actor): Promise<Order>
  /** @throws {AppError} `order.unknown` (404), `order.not_deletable` (409), `order.version_conflict` (412) */
  remove(id: number, versions: readonly number[] | undefined, actor: Actor): Promise<void>
}

export function createOrders(outbox: Outbox): Orders {
  return {
    create: ({ customer, currency, lines }, key, actor) =>
      outbox.change(async (sql) => {
        const [created] = await sql<Row[]>`
          insert into sse.orders (customer, currency, lines, total, key, request)
          values (${customer}, ${currency}, ${JSON.stringify(lines)}::text::jsonb, ${totalOf(lines)},
                  ${key?.key ?? null}, ${key?.digest ?? null})
          on conflict (key) where key is not null do nothing
          returning *`
        if (created) {
          await checkNotDeleted(sql, 'orders', key)
          return publish(sql, toOrder(created), 'order.created', ['status'], actor)
        }
        const given = key as RequestKey
        const [existing] = await sql<Row[]>`select * from sse.orders where key = ${given.key}`
        return toOrder(madeBefore(existing, given))
      }),

    async list({ status, customer, before, limit }) {
      const rows = await outbox.query(
        (sql) => sql<(Row & { cursor: string; matching: number })[]>`
          select (select sse.cursor()) as cursor, found.*
          from sse.head left join lateral (
            select *, count(*) over () as matching,
              sum(octet_length(lines::text)) over (order by id desc rows between unbounded preceding and 1 preceding) as bytes_before
            from (
              select * from sse.orders
              where true ${status === undefined ? sql`` : sql`and status = ${status}`}
                ${customer === undefined ? sql`` : sql`and customer = ${customer}`}
                ${before === undefined ? sql`` : sql`and id < ${before}`}
              order by id desc limit ${limit + 1}
            ) o
          ) found on coalesce(found.bytes_before, 0) < ${PAGE_BYTES}
          order by found.id desc`,
      )
      const page = rows
        .filter(({ id }) => id !== null)
        .slice(0, limit)
        .map(toOrder)
      const hasMore = (rows[0]?.matching ?? 0) > page.length
      return { orders: page, next: hasMore ? (page.at(-1)?.id ?? null) : null, cursor: cursorOf(rows) }
    },

    async read(id) {
      const rows = await outbox.query(
        (sql) => sql<(Row & { cursor: string })[]>`
          select (select sse.cursor()) as cursor, o.* from sse.head left join sse.orders o on o.id = ${id}`,
      )
      const [row] = rows
      if (!row || row.id === null) throw unknown(id)
      return { ...toOrder(row), cursor: row.cursor }
    },

    // Counting a million orders takes a while: few connections must not all do that.
    count: coalesce(async () => {
      const rows = await outbox.query(
        (sql) => sql<{ cursor: string; status: OrderStatus | null; count: number }[]>`
          select (select sse.cursor()) as cursor, found.* from sse.head
          left join lateral (select status, count(*)::int as count from sse.orders group by status) found on true`,
      )
      const counts = Object.fromEntries(rows.flatMap(({ status, count }) => (status === null ? [] : [[status, count]])))
      return { counts, cursor: cursorOf(rows) }
    }),

    transition: (id, to, versions, actor) =>
      outbox.change(async (sql) => {
        const order = await lock(sql, id)
        checkVersion(order, versions)
        checkTransition(order, to)
        const [row] = await sql<Row[]>`
          update sse.orders set status = ${to}, version = version + 1, updated_at = clock_timestamp()
          where id = ${id} returning *`
        return publish(sql, toOrder(row as Row), `order.${to}`, ['status'], actor)
      }),

    remove: (id, versions, actor) =>
      outbox.change(async (sql) => {
        const order = await lock(sql, id)
        checkVersion(order, versions)
        checkDeletable(order)
        await sql`delete from sse.orders where id = ${id}`
        // The next version, so that it is told apart from the state that is deleted.
        await publish(sql, { ...order, version: order.version + 1 }, 'order.deleted', [], actor)
      }),
  }
}

/** A row of sse.orders. */
export interface Row {
  id: number | null
  customer: string
  currency: string
  lines: Order['lines']
  total: number
  status: OrderStatus
  version: number
  created_at: Date
  updated_at: Date
  request: string | null
}

const toOrder = ({ id, customer, currency, lines, total, status, version, created_at, updated_at }: Row): Order => ({
  id: id as number,
  customer,
  currency,
  lines,
  total,
  status,
  version,
  createdAt: created_at.toISOString(),
  updatedAt: updated_at.toISOString(),
})

const cursorOf = (rows: readonly { cursor: string }[]) => rows[0]?.cursor ?? '0'

const unknown = (id: number) => new AppError('order.unknown', `There is no order ${id}.`, { status: 404 })

async function lock(sql: Sql, id: number): Promise<Order> {
  const [row] = await sql<Row[]>`select * from sse.orders where id = ${id} for update`
  if (!row) throw unknown(id)
  return toOrder(row)
}

/** The event of a change, in its transaction: the order after it, and which members it changed. */
async function publish(
  sql: Sql,
  order: Order,
  type: string,
  changed: readonly (keyof Order)[],
  { clientId }: Actor,
): Promise<Order> {
  await publishEvent(sql, { channel: channelOf(order), type, data: { order, changed }, origin: clientId })
  return order
}

/** The events of orders that the transaction has deleted. */
export async function publishDeleted(sql: Sql, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return
  const events = rows.map(toOrder).map((order) => ({
    channel: channelOf(order),
    data: JSON.stringify({ order: { ...order, version: order.version + 1 }, changed: [] }),
  }))
  await sql`
    select sse.publish(e->>'channel', 'order.deleted', e->>'data')
    from jsonb_array_elements(${JSON.stringify(events)}::text::jsonb) e`
}

/** Creates many at once within a transaction, each with its event. */
export async function insertOrders(sql: Sql, orders: readonly NewOrder[]): Promise<void> {
  if (orders.length === 0) return
  const given = orders.map((order) => ({ ...order, total: totalOf(order.lines) }))
  const rows = await sql<Row[]>`
    insert into sse.orders (customer, currency, lines, total)
    select g->>'customer', g->>'currency', g->'lines', (g->>'total')::bigint
    from jsonb_array_elements(${JSON.stringify(given)}::text::jsonb) g
    returning *`
  const events = rows.map(toOrder).map((order) => ({
    channel: channelOf(order),
    data: JSON.stringify({ order, changed: ['status'] }),
  }))
  await sql`
    select sse.publish(e->>'channel', 'order.created', e->>'data')
    from jsonb_array_elements(${JSON.stringify(events)}::text::jsonb) e`
}
