import type { Actor } from '../../auth/actor.ts'
import type { PageRequest } from '../../http/paging.ts'
import type { Database } from '../../platform/pool.ts'
import type { AtCursor } from '../../protocol/schema.ts'
import { type Counts, readCounts, readOne, readPage } from '../at-cursor.ts'
import { checkOwner, ownedBy } from '../ownership.ts'
import type { Task, TaskKind, TaskState } from './schema.ts'
import { type TaskRow, toTask, unknownTask } from './task-store.ts'

/** Which tasks a list has; all by default. */
export interface TaskFilter extends PageRequest {
  state?: TaskState | undefined
  kind?: TaskKind | undefined
  owner?: string | undefined
}

/** A page of tasks, newest first. */
export interface TaskPage {
  tasks: Task[]
  /** `before` of the next page; `null` on the last. */
  next: number | null
}

/** Reads a page of tasks, newest first. @throws {AppError} `access.denied` (403) for a filter that names another owner */
export async function listTasks(
  database: Database,
  { state, kind, owner, ...page }: TaskFilter,
  actor: Actor,
): Promise<AtCursor<TaskPage>> {
  checkOwner(actor, owner)
  const { items, next, cursor } = await readPage<TaskRow, Task>(database, page, {
    newest: (sql, { before, limit }) => sql`
      select * from sse.tasks
      where id < ${before} and ${ownedBy(sql, 'owner', actor)} ${state === undefined ? sql`` : sql`and state = ${state}`}
        ${kind === undefined ? sql`` : sql`and kind = ${kind}`}
        ${owner === undefined ? sql`` : sql`and owner = ${owner}`}
      order by id desc limit ${limit}`,
    bytes: (sql) => sql`octet_length(input::text) + coalesce(octet_length(result::text), 0)`,
    toItem: toTask,
  })
  return { tasks: items, next, cursor }
}

/** @throws {AppError} `task.unknown` (404), also for another user's task */
export async function readTask(database: Database, id: number, actor: Actor): Promise<AtCursor<Task>> {
  const row = await readOne<TaskRow>(
    database,
    (sql) => sql`select * from sse.tasks where id = ${id} and ${ownedBy(sql, 'owner', actor)}`,
  )
  if (!row) throw unknownTask(id)
  return { ...toTask(row), cursor: row.cursor }
}

/** How many tasks there are that the actor may see, by state. */
export const countTasks = (database: Database, actor: Actor): Promise<Counts> =>
  readCounts(
    database,
    (sql) => sql`
      select state as value, count(*)::int as count from sse.tasks
      where ${ownedBy(sql, 'owner', actor)} group by state`,
  )
