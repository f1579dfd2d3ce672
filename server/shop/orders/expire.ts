import type { Outbox } from '../../log/outbox.ts'
import { type OrderRow, publishDeleted } from './order-store.ts'

/** Orders of one transaction. Small, so that none of them is locked for long. */
const BATCH = 100

/**
 * Deletes orders that were delivered or cancelled before a time and not changed since, each with its `order.deleted`.
 *
 * @returns how many it has deleted; 0 when none are left
 */
export const expireOrders = (outbox: Outbox, before: Date): Promise<number> =>
  outbox.change(async (sql) => {
    const rows = await sql<OrderRow[]>`
      delete from sse.orders where id = any (array(
        select id from sse.orders where status in ('delivered', 'cancelled') and updated_at < ${before}
        order by updated_at limit ${BATCH} for update skip locked))
      returning *`
    await publishDeleted(sql, rows)
    return rows.length
  })
