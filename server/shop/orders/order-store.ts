import type { Actor } from '../../auth/actor.ts'
import type { Sql } from '../../platform/database.ts'
import { AppError } from '../../platform/errors.ts'
import { deletedState, publishChange, publishChanges } from '../change.ts'
import { ownedBy } from '../ownership.ts'
import { channelOf, totalOf } from './order.ts'
import type { NewOrder, Order, OrderStatus } from './schema.ts'

/** A row of sse.orders. */
export interface OrderRow {
  id: number
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

/** The order as clients and events see it. */
export const toOrder = (row: OrderRow): Order => ({
  id: row.id,
  customer: row.customer,
  currency: row.currency,
  lines: row.lines,
  total: row.total,
  status: row.status,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})

/** The error for an id without an order: `order.unknown` (404). */
export const unknownOrder = (id: number): AppError =>
  new AppError('order.unknown', `There is no order ${id}.`, { status: 404 })

/** Locks a row until the transaction ends. @throws {AppError} `order.unknown` (404), also for another user's order */
export async function lockOrder(sql: Sql, id: number, actor: Actor): Promise<Order> {
  const [row] = await sql<OrderRow[]>`
    select * from sse.orders where id = ${id} and ${ownedBy(sql, 'customer', actor)} for update`
  if (!row) throw unknownOrder(id)
  return toOrder(row)
}

/** Publishes a change of an order in its transaction. @returns the order */
export async function publishOrder(
  sql: Sql,
  order: Order,
  type: `order.${string}`,
  changed: readonly (keyof Order)[],
  actor: Actor,
): Promise<Order> {
  await publishChange(sql, { channel: channelOf(order), type, resource: order, changed }, actor)
  return order
}

/** Publishes the deletion of orders in the transaction that has deleted them. */
export const publishDeleted = (sql: Sql, rows: readonly OrderRow[]): Promise<void> =>
  publishChanges(
    sql,
    rows.map(toOrder).map((order) => ({
      channel: channelOf(order),
      type: 'order.deleted',
      resource: deletedState(order),
      changed: [],
    })),
  )

/**
 * Inserts orders within a transaction, each with its event, in two statements.
 *
 * @throws {AppError} `order.total_too_large`
 */
export async function insertOrders(sql: Sql, orders: readonly NewOrder[]): Promise<void> {
  if (orders.length === 0) return
  const given = orders.map((order) => ({ ...order, total: totalOf(order.lines) }))
  const rows = await sql<OrderRow[]>`
    insert into sse.orders (customer, currency, lines, total)
    select g->>'customer', g->>'currency', g->'lines', (g->>'total')::bigint
    from jsonb_array_elements(${JSON.stringify(given)}::text::jsonb) g
    returning *`
  await publishChanges(
    sql,
    rows.map(toOrder).map((order) => ({
      channel: channelOf(order),
      type: 'order.created',
      resource: order,
      changed: ['status'],
    })),
  )
}
