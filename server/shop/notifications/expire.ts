import type { Outbox } from '../../log/outbox.ts'

/** Notifications, and their deliveries, of one transaction. */
const BATCH = 100
const MAX_DELIVERIES = 5000

/**
 * Deletes notifications that were sent before a time, with their deliveries. One with very many recipients takes several
 * calls, and is in no inbox from the first on.
 *
 * @returns how many rows it has deleted; 0 when none are left
 */
export const expireNotifications = (outbox: Outbox, before: Date): Promise<number> =>
  outbox.change(async (sql) => {
    const rows = await sql<{ id: number }[]>`
      select id from sse.notifications where created_at < ${before}
      order by created_at limit ${BATCH} for update skip locked`
    if (rows.length === 0) return 0
    const ids = rows.map(({ id }) => id)
    const deliveries = await sql`
      delete from sse.notification_deliveries where ctid = any (array(
        select ctid from sse.notification_deliveries where notification = any (${ids}::bigint[])
        limit ${MAX_DELIVERIES}))`
    // Until the next call: without their deliveries, they must not count as unread by everyone.
    if (deliveries.count === MAX_DELIVERIES) {
      await sql`update sse.notifications set everyone = false where id = any (${ids}::bigint[]) and everyone`
      return deliveries.count
    }
    await sql`delete from sse.notifications where id = any (${ids}::bigint[])`
    return rows.length
  })
