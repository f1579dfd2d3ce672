import type { Outbox } from '../../log/outbox.ts'
import { DAY, HOUR } from '../../platform/time.ts'
import { deletedState, publishChanges } from '../change.ts'
import { PART_BYTES } from './files.ts'
import { channelOf } from './task.ts'
import { type TaskRow, toTask } from './task-store.ts'

/** Tasks of one transaction. */
const BATCH = 100
/** Parts of files that one transaction deletes: 32 MiB. */
const MAX_PARTS = (32 * 2 ** 20) / PART_BYTES
/** Sums of reports that one transaction deletes. */
const MAX_TOTALS = 5000
/** Milliseconds after which an upload without a task counts as abandoned. */
const UPLOAD_AGE = DAY
/** Milliseconds after which the lock of an owner who started no task is deleted. */
const OWNER_AGE = HOUR

/**
 * Deletes tasks that ended before a time, each with its event `task.deleted`. Their files are detached, which takes no time
 * however large they are; {@link expireFiles} deletes them.
 *
 * @returns how many it has deleted; 0 when none are left
 */
export const expireTasks = (outbox: Outbox, before: Date): Promise<number> =>
  outbox.change(async (sql) => {
    const rows = await sql<TaskRow[]>`
      select * from sse.tasks where ended_at < ${before} and state not in ('queued', 'running')
      order by ended_at limit ${BATCH} for update skip locked`
    if (rows.length === 0) return 0
    const ids = rows.map(({ id }) => id)
    await sql`update sse.files set task = null, created_at = '-infinity' where task = any (${ids}::bigint[])`
    await sql`delete from sse.tasks where id = any (${ids}::bigint[])`
    await publishChanges(
      sql,
      rows.map((row) => ({
        channel: channelOf(row),
        type: 'task.deleted',
        resource: toTask(deletedState(row)),
        changed: [],
      })),
    )
    return rows.length
  })

/** Deletes files without a task: abandoned uploads, and the files of expired tasks. @returns how many rows it has deleted */
export const expireFiles = (outbox: Outbox): Promise<number> =>
  outbox.change(async (sql) => {
    const before = new Date(Date.now() - UPLOAD_AGE)
    const parts = await sql`
      delete from sse.file_parts where ctid = any (array(
        select p.ctid from sse.files f join sse.file_parts p on p.file = f.id
        where f.task is null and f.created_at < ${before} limit ${MAX_PARTS} for update of p skip locked))`
    const files = await sql`
      delete from sse.files where id = any (array(
        select id from sse.files f where task is null and created_at < ${before}
          and not exists (select from sse.file_parts p where p.file = f.id)
        limit ${BATCH} for update skip locked))`
    return parts.count + files.count
  })

/** Deletes the sums of reports that failed or were cancelled: a retry begins without them. @returns how many */
export const expireTotals = (outbox: Outbox): Promise<number> =>
  outbox.change(async (sql) => {
    const totals = await sql`
      delete from sse.report_totals where ctid = any (array(
        select r.ctid from sse.report_totals r join sse.tasks t on t.id = r.task
        where t.state not in ('queued', 'running') limit ${MAX_TOTALS} for update of r skip locked))`
    return totals.count
  })

/** Deletes the locks of owners who have not started a task for an hour. @returns how many */
export const expireOwners = (outbox: Outbox): Promise<number> =>
  outbox.change(async (sql) => {
    const owners = await sql`
      delete from sse.task_owners where owner = any (array(
        select owner from sse.task_owners where used_at < ${new Date(Date.now() - OWNER_AGE)}
        order by used_at limit ${BATCH} for update skip locked))`
    return owners.count
  })
