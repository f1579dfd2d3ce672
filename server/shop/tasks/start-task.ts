import { type Actor, checkOperator } from '../../auth/actor.ts'
import { insertOnce, type RequestKey } from '../../http/idempotency.ts'
import type { Outbox } from '../../log/outbox.ts'
import { checkStorage, type Upload } from './files.ts'
import { kinds } from './kinds/kinds.ts'
import type { Queue } from './queue.ts'
import type { Task, TaskKind } from './schema.ts'
import { publishTask, type TaskRow, toTask } from './task-store.ts'
import { advance, checkTaskCount, lockOwner } from './turns.ts'

const MAX_DESCRIPTION = 200

/** What starting a task needs, and its limits. */
export interface TaskLimits {
  outbox: Outbox
  queue: Queue
  /** Maximum number of tasks of one owner that wait or run. */
  maxPerOwner: number
  /** Maximum bytes of files that the tasks of one owner keep. */
  maxOwnerBytes: number
}

/** A task to start. */
export interface TaskStart {
  kind: TaskKind
  input: Record<string, unknown>
  /** Text for people; what exceeds 200 characters is cut off. */
  description: string
  /** The file that the task reads, if any. */
  upload?: Upload
}

/** @throws {AppError} `access.denied` (403) when only operators may start, or retry, tasks of the kind */
export function checkKind(actor: Actor, kind: TaskKind): void {
  if (kinds[kind].role === 'operator') checkOperator(actor)
}

/**
 * Inserts a task with its event and, when it is its owner's turn, its job: one transaction.
 *
 * @throws {AppError} `access.denied` (403), `key.reused` (422), `key.deleted` (410), `storage.exceeded` (409),
 * `tasks.too_many` (429)
 */
export async function insertTask(
  { outbox, queue, maxPerOwner, maxOwnerBytes }: TaskLimits,
  { kind, input, description, upload }: TaskStart,
  key: RequestKey | null,
  actor: Actor,
): Promise<Task> {
  checkKind(actor, kind)
  return outbox.change(async (sql) => {
    await lockOwner(sql, actor.user)
    const insert = () => sql<TaskRow[]>`
      insert into sse.tasks (kind, owner, description, input, key, request)
      values (${kind}, ${actor.user}, ${description.slice(0, MAX_DESCRIPTION)}, ${JSON.stringify(input)}::text::jsonb,
        ${key?.key ?? null}, ${key?.digest ?? null})
      on conflict (key) where key is not null do nothing
      returning *`
    const { row, isNew } = await insertOnce<TaskRow>(sql, { table: 'tasks', key, insert })
    const task = toTask(row)
    if (!isNew) return task
    await checkTaskCount(sql, actor.user, maxPerOwner)
    if (kind !== 'demo') await checkStorage(sql, actor.user, upload?.bytes ?? 0, maxOwnerBytes)
    if (upload) await sql`update sse.files set task = ${row.id} where id = ${upload.id}`
    await advance(sql, queue, actor.user)
    await publishTask(sql, task, 'task.queued', ['state'], actor)
    return task
  })
}
