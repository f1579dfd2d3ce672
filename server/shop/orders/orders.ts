import type { Actor } from '../../auth/actor.ts'
import { checkVersion, type ExpectedVersions } from '../../http/conditional.ts'
import { insertOnce, type RequestKey } from '../../http/idempotency.ts'
import type { PageRequest } from '../../http/paging.ts'
import type { Outbox } from '../../log/outbox.ts'
import { coalesceBy } from '../../platform/coalesce.ts'
import type { AtCursor } from '../../protocol/schema.ts'
import { type Counts, readCounts, readOne, readPage } from '../at-cursor.ts'
import { deletedState } from '../change.ts'
import { checkOwner, ownedBy, viewOf } from '../ownership.ts'
import { checkDeletable, checkTransition, totalOf } from './order.ts'
import { lockOrder, type OrderRow, publishOrder, toOrder, unknownOrder } from './order-store.ts'
import type { NewOrder, Order, OrderStatus } from './schema.ts'

/** Which orders a list has; all by default. */
export interface OrderFilter extends PageRequest {
  status?: OrderStatus | undefined
  customer?: string | undefined
}

/** A page of orders, newest first. */
export interface OrderPage {
  orders: Order[]
  /** `before` of the next page; `null` on the last. */
  next: number | null
}

/**
 * Orders in Postgres. Each change and its event are one transaction. A user reads and changes their own orders, of which they are
 * the customer; another one is unknown to them. An operator reads and changes all.
 */
export interface Orders {
  /**
   * Creates an order; with a key that has created one before, returns that order.
   *
   * @throws {AppError} `access.denied` (403) for another customer, `order.total_too_large`, `key.reused` (422),
   * `key.deleted` (410)
   */
  create(order: NewOrder, key: RequestKey | null, actor: Actor): Promise<Order>
  /**
   * Newest first. A page of large orders ends after 1 MiB; `next` says whether there are more.
   *
   * @throws {AppError} `access.denied` (403) for a filter that names another customer
   */
  list(filter: OrderFilter, actor: Actor): Promise<AtCursor<OrderPage>>
  /** @throws {AppError} `order.unknown` (404) */
  read(id: number, actor: Actor): Promise<AtCursor<Order>>
  /** By status. Calls at the same time share one query: those of one user, and those of all operators. */
  count(actor: Actor): Promise<Counts>
  /** @throws {AppError} `order.unknown` (404), `order.illegal_transition` (409), `order.version_conflict` (412) */
  transition(id: number, to: OrderStatus, versions: ExpectedVersions, actor: Actor): Promise<Order>
  /** @throws {AppError} `order.unknown` (404), `order.not_deletable` (409), `order.version_conflict` (412) */
  remove(id: number, versions: ExpectedVersions, actor: Actor): Promise<void>
}

/** Reads and changes orders. @param outbox that the events are published by */
export const createOrders = (outbox: Outbox): Orders => ({
  create: (order, key, actor) => createOrder(outbox, order, key, actor),
  list: (filter, actor) => listOrders(outbox, filter, actor),
  read: (id, actor) => readOrder(outbox, id, actor),
  // Counting a million orders takes a while: it must not occupy more than one connection.
  count: coalesceBy(viewOf, (actor: Actor) => countOrders(outbox, actor)),

  transition: (id, to, versions, actor) =>
    outbox.change(async (sql) => {
      const order = await lockOrder(sql, id, actor)
      checkVersion('order', order, versions)
      checkTransition(order, to)
      const [row] = await sql<OrderRow[]>`
        update sse.orders set status = ${to}, version = version + 1, updated_at = clock_timestamp()
        where id = ${id} returning *`
      return publishOrder(sql, toOrder(row as OrderRow), `order.${to}`, ['status'], actor)
    }),

  remove: (id, versions, actor) =>
    outbox.change(async (sql) => {
      const order = await lockOrder(sql, id, actor)
      checkVersion('order', order, versions)
      checkDeletable(order)
      await sql`delete from sse.orders where id = ${id}`
      await publishOrder(sql, deletedState(order), 'order.deleted', [], actor)
    }),
})

async function createOrder(
  outbox: Outbox,
  { customer, currency, lines }: NewOrder,
  key: RequestKey | null,
  actor: Actor,
): Promise<Order> {
  // A repetition is equal to the first request, so the order that it returns has the customer that is checked here.
  checkOwner(actor, customer)
  return outbox.change(async (sql) => {
    const insert = () => sql<OrderRow[]>`
      insert into sse.orders (customer, currency, lines, total, key, request)
      values (${customer}, ${currency}, ${JSON.stringify(lines)}::text::jsonb, ${totalOf(lines)},
              ${key?.key ?? null}, ${key?.digest ?? null})
      on conflict (key) where key is not null do nothing
      returning *`
    const { row, isNew } = await insertOnce<OrderRow>(sql, { table: 'orders', key, insert })
    return isNew ? publishOrder(sql, toOrder(row), 'order.created', ['status'], actor) : toOrder(row)
  })
}

async function listOrders(
  outbox: Outbox,
  { status, customer, ...page }: OrderFilter,
  actor: Actor,
): Promise<AtCursor<OrderPage>> {
  checkOwner(actor, customer)
  const { items, next, cursor } = await readPage<OrderRow, Order>(outbox, page, {
    newest: (sql, { before, limit }) => sql`
      select * from sse.orders
      where id < ${before} and ${ownedBy(sql, 'customer', actor)} ${status === undefined ? sql`` : sql`and status = ${status}`}
        ${customer === undefined ? sql`` : sql`and customer = ${customer}`}
      order by id desc limit ${limit}`,
    bytes: (sql) => sql`octet_length(lines::text)`,
    toItem: toOrder,
  })
  return { orders: items, next, cursor }
}

async function readOrder(outbox: Outbox, id: number, actor: Actor): Promise<AtCursor<Order>> {
  const row = await readOne<OrderRow>(
    outbox,
    (sql) => sql`select * from sse.orders where id = ${id} and ${ownedBy(sql, 'customer', actor)}`,
  )
  if (!row) throw unknownOrder(id)
  return { ...toOrder(row), cursor: row.cursor }
}

const countOrders = (outbox: Outbox, actor: Actor) =>
  readCounts(
    outbox,
    (sql) => sql`
      select status as value, count(*)::int as count from sse.orders
      where ${ownedBy(sql, 'customer', actor)} group by status`,
  )
