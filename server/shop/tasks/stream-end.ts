import type { Database } from '../../platform/pool.ts'

/** One task's channel, which names it: `tasks.<owner>.<id>`. */
const CHANNEL = /^tasks\.([^.*>]+)\.([1-9]\d{0,15})$/

/**
 * Whether a stream of tasks is over for a client that has received everything up to `cursor`: all tasks have ended, and no
 * event of theirs is after the cursor or still in the outbox. A task that is retried has a stream again.
 *
 * The channel of another owner's task (`tasks.alice.17`, of which bob is the owner) has no events, as that of a task that was
 * deleted: both are over, so that nothing is said about the task.
 *
 * @param channels of the stream; `false` unless each is the channel of one task
 */
export async function areTasksOver(database: Database, channels: readonly string[], cursor: number): Promise<boolean> {
  const tasks = channels.map((channel) => CHANNEL.exec(channel))
  if (tasks.length === 0 || tasks.some((match) => match === null)) return false
  const owners = tasks.map((match) => String(match?.[1]))
  const ids = tasks.map((match) => Number(match?.[2]))
  const rows = await database.query(
    (sql) => sql<{ over: boolean }[]>`
      select not exists (
          select from unnest(${ids}::bigint[], ${owners}::text[]) as asked (id, owner) left join sse.tasks t using (id, owner)
          -- One that is not there was deleted, unless it was never there.
          where t.state in ('queued', 'running')
             or t.state is null and id > (select case when is_called then last_value else 0 end from sse.tasks_id_seq)
        )
        and not exists (select from sse.outbox where channel = any (${channels as string[]}::text[]))
        and not exists (select from sse.log where position > ${cursor} and channel = any (${channels as string[]}::text[]))
        and ${cursor} <= (select position from sse.head) as over`,
  )
  return rows[0]?.over ?? false
}
