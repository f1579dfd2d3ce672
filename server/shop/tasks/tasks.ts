import type { Actor } from '../../auth/actor.ts'
import { checkVersion, type ExpectedVersions } from '../../http/conditional.ts'
import type { RequestKey } from '../../http/idempotency.ts'
import { coalesceBy } from '../../platform/coalesce.ts'
import type { Sql } from '../../platform/database.ts'
import type { AtCursor } from '../../protocol/schema.ts'
import type { Counts } from '../at-cursor.ts'
import { deletedState } from '../change.ts'
import { ownedBy, viewOf } from '../ownership.ts'
import { listFiles, type Upload } from './files.ts'
import { kinds } from './kinds/kinds.ts'
import type { Queue } from './queue.ts'
import type { NewTask, Task } from './schema.ts'
import { checkKind, insertTask, type TaskLimits, type TaskStart } from './start-task.ts'
import { checkAction } from './task.ts'
import { countTasks, listTasks, readTask, type TaskFilter, type TaskPage } from './task-lists.ts'
import { changeTask, lockTask, NO_PROGRESS, publishTask, type TaskColumns, type TaskRow, toTask } from './task-store.ts'
import { advance, checkTaskCount, lockOwnerOf } from './turns.ts'

/**
 * Tasks in Postgres. Each change, its event and its job in the queue are one transaction. A user reads and changes their own
 * tasks; another one is unknown to them. An operator reads and changes all.
 */
export interface Tasks {
  /**
   * Starts a task; with a key that has started one before, returns that task.
   *
   * @throws {AppError} `access.denied` (403) for a kind that only operators may start, `report.period_invalid`,
   * `key.reused` (422), `key.deleted` (410), `storage.exceeded` (409), `tasks.too_many` (429)
   */
  start(task: NewTask, key: RequestKey | null, actor: Actor): Promise<Task>
  /** Starts a task that creates orders from an upload. @throws {AppError} as `start` */
  startImport(upload: Upload, name: string, key: RequestKey | null, actor: Actor): Promise<Task>
  /** Newest first. @throws {AppError} `access.denied` (403) for a filter that names another owner */
  list(filter: TaskFilter, actor: Actor): Promise<AtCursor<TaskPage>>
  /** @throws {AppError} `task.unknown` (404) */
  read(id: number, actor: Actor): Promise<AtCursor<Task>>
  /** By state. Calls at the same time share one query: those of one user, and those of all operators. */
  count(actor: Actor): Promise<Counts>
  /**
   * The code that runs is aborted within a second, on whichever instance.
   *
   * @throws {AppError} `task.unknown` (404), `task.illegal_action` (409), `task.version_conflict` (412)
   */
  cancel(id: number, versions: ExpectedVersions, actor: Actor): Promise<Task>
  /**
   * Queues a task again that failed or was cancelled; it resumes at its checkpoint.
   *
   * @throws {AppError} `task.unknown` (404), `access.denied` (403) for a kind that only operators may start,
   * `task.illegal_action` (409), `task.version_conflict` (412), `tasks.too_many` (429)
   */
  retry(id: number, versions: ExpectedVersions, actor: Actor): Promise<Task>
  /** @throws {AppError} `task.unknown` (404), `task.version_conflict` (412) */
  rename(id: number, description: string, versions: ExpectedVersions, actor: Actor): Promise<Task>
  /** Deletes its files too. @throws {AppError} `task.unknown` (404), `task.illegal_action` (409), `task.version_conflict` (412) */
  remove(id: number, versions: ExpectedVersions, actor: Actor): Promise<void>
}

/** A change of a row that is locked. @returns the row after it */
type Work = (sql: Sql, row: TaskRow) => Promise<TaskRow>

/** Starts, reads and changes tasks. */
export function createTasks(options: TaskLimits): Tasks {
  const { outbox, queue, maxPerOwner } = options
  const woken = (task: Task) => {
    queue.wake()
    return task
  }
  const insert = (start: TaskStart, key: RequestKey | null, actor: Actor) =>
    insertTask(options, start, key, actor).then(woken)
  const change = async (id: number, versions: ExpectedVersions, actor: Actor, work: Work) =>
    toTask(await outbox.change((sql) => changeLocked(sql, id, versions, actor, work)))
  /** A change of which tasks of the owner wait. */
  const changeQueue = (id: number, versions: ExpectedVersions, actor: Actor, work: Work) =>
    outbox
      .change(async (sql) => {
        await lockOwnerOf(sql, id, ownedBy(sql, 'owner', actor))
        const row = await changeLocked(sql, id, versions, actor, work)
        await advance(sql, queue, row.owner)
        return toTask(row)
      })
      .then(woken)
  return {
    async start({ kind, input = {}, description }, key, actor) {
      kinds[kind].check?.(input as never)
      return insert({ kind, input, description: description ?? kinds[kind].describe(input as never) }, key, actor)
    },
    startImport: (upload, name, key, actor) => {
      const input = { file: upload.id, name, bytes: upload.bytes }
      return insert({ kind: 'import', input, description: kinds.import.describe(input as never), upload }, key, actor)
    },
    list: (filter, actor) => listTasks(outbox, filter, actor),
    read: (id, actor) => readTask(outbox, id, actor),
    count: coalesceBy(viewOf, (actor: Actor) => countTasks(outbox, actor)),
    cancel: (id, versions, actor) => changeQueue(id, versions, actor, (sql, row) => cancelTask(sql, row, queue, actor)),
    retry: (id, versions, actor) =>
      changeQueue(id, versions, actor, async (sql, row) => {
        const retried = await retryTask(sql, row, actor)
        await checkTaskCount(sql, row.owner, maxPerOwner)
        return retried
      }),
    rename: (id, description, versions, actor) =>
      change(id, versions, actor, (sql, row) => changeTask(sql, row, 'task.renamed', { description }, actor)),
    remove: async (id, versions, actor) => {
      await change(id, versions, actor, (sql, row) => removeTask(sql, row, actor))
    },
  }
}

async function changeLocked(
  sql: Sql,
  id: number,
  versions: ExpectedVersions,
  actor: Actor,
  work: Work,
): Promise<TaskRow> {
  const row = await lockTask(sql, id, actor)
  checkVersion('task', row, versions)
  return work(sql, row)
}

async function cancelTask(sql: Sql, row: TaskRow, queue: Queue, actor: Actor): Promise<TaskRow> {
  checkAction(row, 'cancel')
  if (row.state === 'queued' && row.job) await queue.remove(sql, row.job)
  const files = row.checkpoint === null ? [] : await listFiles(sql, row.id)
  const ended = { state: 'cancelled', ended_at: new Date(), next_attempt_at: null, files } as const
  return changeTask(sql, row, 'task.cancelled', ended, actor)
}

async function retryTask(sql: Sql, row: TaskRow, actor: Actor): Promise<TaskRow> {
  checkKind(actor, row.kind)
  checkAction(row, 'retry')
  const queued: TaskColumns = {
    state: 'queued',
    failures: 0,
    error: null,
    // The next attempt may still append to them.
    files: [],
    started_at: null,
    ended_at: null,
    ...(row.checkpoint === null && NO_PROGRESS),
    job: null,
  }
  return changeTask(sql, row, 'task.queued', queued, actor)
}

async function removeTask(sql: Sql, row: TaskRow, actor: Actor): Promise<TaskRow> {
  checkAction(row, 'delete')
  await sql`delete from sse.tasks where id = ${row.id}`
  await publishTask(sql, toTask(deletedState(row)), 'task.deleted', [], actor)
  return row
}
