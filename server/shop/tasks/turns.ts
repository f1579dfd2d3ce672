import { exhaustedFields } from '../../http/rate-limit.ts'
import type { Sql } from '../../platform/database.ts'
import { AppError } from '../../platform/errors.ts'
import { MINUTE, SECOND } from '../../platform/time.ts'
import type { ownedBy } from '../ownership.ts'
import type { Queue } from './queue.ts'

/**
 * Fair turns between owners. Of each owner, one waiting task has a job in the queue; its next one gets a job, at the end
 * of the queue, when that one is claimed. A first-in, first-out queue thus serves the owners in turn, however many tasks
 * each has.
 *
 * A transaction that changes which tasks of an owner wait takes the owner's lock first, before the lock of any task.
 */

type Condition = ReturnType<typeof ownedBy>

/** Locks the queue of an owner until the transaction ends. */
export async function lockOwner(sql: Sql, owner: string): Promise<void> {
  await sql`
    insert into sse.task_owners (owner) values (${owner})
    on conflict (owner) do update set used_at = clock_timestamp()`
}

/**
 * Locks the queue of the owner of a task until the transaction ends; does nothing when the task was deleted.
 *
 * @param condition on the row of the task (`ownedBy`), without which nothing is locked. Defaults to none, for workers
 */
export async function lockOwnerOf(sql: Sql, task: number, condition: Condition = sql`true`): Promise<void> {
  await sql`
    insert into sse.task_owners (owner) select owner from sse.tasks where id = ${task} and ${condition}
    on conflict (owner) do update set used_at = clock_timestamp()`
}

/**
 * Gives the owner's oldest waiting task a job, unless another one has one already. Requires the owner's lock.
 *
 * @returns whether there is a new job
 */
export async function advance(sql: Sql, queue: Queue, owner: string): Promise<boolean> {
  const [next] = await sql<{ id: number }[]>`
    select id from sse.tasks
    where owner = ${owner} and state = 'queued' and job is null
      and not exists (
        -- One that is retried later does not delay the others.
        select from sse.tasks
        where owner = ${owner} and state = 'queued' and job is not null and next_attempt_at is null)
    order by id limit 1 for update`
  if (!next) return false
  const job = await queue.add(sql, next.id, owner)
  await sql`update sse.tasks set job = ${job} where id = ${next.id}`
  return true
}

/** Owners whose tasks wait although none has a job: it was deleted by SQL, or by an older version of this server. */
export const findStrandedOwners = (sql: Sql) => sql<{ owner: string }[]>`
  select distinct owner from sse.tasks w
  where state = 'queued' and job is null and not exists (
    select from sse.tasks r
    where r.owner = w.owner and r.state = 'queued' and r.job is not null and r.next_attempt_at is null)
  limit 100`

/** Seconds after which one of the tasks may have ended. */
const RETRY_AFTER = MINUTE / SECOND

/** Requires the owner's lock. @throws {AppError} `tasks.too_many` (429) when more than `limit` have not ended */
export async function checkTaskCount(sql: Sql, owner: string, limit: number): Promise<void> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from sse.tasks where owner = ${owner} and state in ('queued', 'running')`
  if ((row?.count ?? 0) <= limit) return
  throw new AppError(
    'tasks.too_many',
    `${owner} has ${limit} tasks waiting or running (TASKS_PER_OWNER). Wait until one has ended, or cancel one.`,
    {
      status: 429,
      retryAfter: RETRY_AFTER,
      headers: exhaustedFields('tasks', limit, RETRY_AFTER),
      extensions: { limit },
    },
  )
}
