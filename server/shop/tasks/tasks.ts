import type { Actor } from '../../auth/identity.ts'
import { checkNotDeleted, madeBefore, type RequestKey } from '../../http/idempotency.ts'
import type { Outbox } from '../../log/outbox.ts'
import { coalesce } from '../../platform/coalesce.ts'
import type { Sql } from '../../platform/database.ts'
import type { AtCursor } from '../../protocol/schema.ts'
import { checkStorage, listFiles, type Upload } from './files.ts'
import { kinds } from './kinds/kinds.ts'
import type { Queue } from './queue.ts'
import type { NewTask, Task, TaskKind, TaskState } from './schema.ts'
import { checkAction, checkVersion } from './task.ts'
import {
  ANEW,
  changeTask,
  lockTask,
  publishTask,
  type TaskChange,
  type TaskRow,
  toTask,
  unknownTask,
} from './task-store.ts'
import { advance, checkTaskCount, lockOwner, lockOwnerOf } from './turns.ts'

export interface TaskFilter {
  state?: TaskState | undefined
  kind?: TaskKind | undefined
  owner?: string | undefined
  /** Tasks with smaller ids: the `next` of the page before. */
  before?: number | undefined
  limit: number
}

export interface TaskPage {
  tasks: Task[]
  /** `before` of the next page; `null` on the last. */
  next: number | null
}

/** Versions of `If-Match`; `undefined` for any. */
type Versions = readonly number[] | undefined

/** Tasks in Postgres. Each change, its event and its job in the queue are one transaction. */
export interface Tasks {
  /**
   * With a key that started a task before, answers that task and starts nothing.
   *
   * @throws {AppError} `key.reused`, `storage.exceeded` (409), `tasks.too_many` (429)
   */
  start(task: NewTask, key: RequestKey | null, actor: Actor): Promise<Task>
  /** A task that makes orders of an upload. @throws {AppError} as `start` */
  startImport(upload: Upload, name: string, key: RequestKey | null, actor: Actor): Promise<Task>
  /** Newest first. */
  list(filter: TaskFilter): Promise<AtCursor<TaskPage>>
  /** @throws {AppError} `task.unknown` (404) */
  read(id: number): Promise<AtCursor<Task>>
  count(): Promise<AtCursor<{ counts: Record<string, number> }>>
  /** What runs is told within a second. @throws {AppError} `task.unknown`, `task.illegal_action`, `task.version_conflict` */
  cancel(id: number, versions: Versions, actor: Actor): Promise<Task>
  /**
   * Again, from where it stopped.
   *
   * @throws {AppError} `task.unknown`, `task.illegal_action`, `task.version_conflict`, `tasks.too_many` (429)
   */
  retry(id: number, versions: Versions, actor: Actor): Promise<Task>
  /** @throws {AppError} `task.unknown`, `task.version_conflict` */
  rename(id: number, description: string, versions: Versions, actor: Actor): Promise<Task>
  /** With its files. @throws {AppError} `task.unknown`, `task.illegal_action`, `task.version_conflict` */
  remove(id: number, versions: Versions, actor: Actor): Promise<void>
}

const MAX_DESCRIPTION = 200

export interface TasksOptions {
  outbox: Outbox
  queue: Queue
  /** Most tasks of one owner that wait or run. */
  maxPerOwner: number
  /** Most bytes of files that the tasks of one owner keep. */
  maxOwnerBytes: number
}

export function createTasks({ outbox, queue, maxPerOwner, maxOwnerBytes }: TasksOptions): Tasks {
  const insert = (
    kind: TaskKind,
    input: Record<string, unknown>,
    description: string,
    key: RequestKey | null,
    actor: Actor,
    upload?: Upload,
  ) =>
    outbox
      .change(async (sql) => {
        await lockOwner(sql, actor.user)
        const [created] = await sql<TaskRow[]>`
          insert into sse.tasks (kind, owner, description, input, key, request)
          values (${kind}, ${actor.user}, ${description.slice(0, MAX_DESCRIPTION)}, ${JSON.stringify(input)}::text::jsonb,
            ${key?.key ?? null}, ${key?.digest ?? null})
          on conflict (key) where key is not null do nothing
          returning *`
        if (!created) {
          const given = key as RequestKey
          const [existing] = await sql<TaskRow[]>`select * from sse.tasks where key = ${given.key}`
          return toTask(madeBefore(existing, given))
        }
        await checkNotDeleted(sql, 'tasks', key)
        await checkTaskCount(sql, actor.user, maxPerOwner)
        if (kind !== 'demo') await checkStorage(sql, actor.user, upload?.bytes ?? 0, maxOwnerBytes)
        if (upload) await sql`update sse.files set task = ${created.id} where id = ${upload.id}`
        await advance(sql, queue, actor.user)
        await publishTask(sql, toTask(created), 'task.queued', ['state'], actor)
        return toTask(created)
      })
      .then(wakeWorkers)
  const wakeWorkers = (task: Task) => {
    queue.wake()
    return task
  }
  type Work = (sql: Sql, row: TaskRow) => Promise<TaskRow>
  const locked = async (sql: Sql, id: number, versions: Versions, work: Work) => {
    const row = await lockTask(sql, id)
    checkVersion(row, versions)
    return work(sql, row)
  }
  const change = async (id: number, versions: Versions, work: Work) =>
    toTask(await outbox.change((sql) => locked(sql, id, versions, work)))
  /** A change of which tasks of the owner wait. */
  const changeQueue = async (id: number, versions: Versions, work: Work) =>
    outbox
      .change(async (sql) => {
        await lockOwnerOf(sql, id)
        const row = await locked(sql, id, versions, work)
        await advance(sql, queue, row.owner)
        return toTask(row)
      })
      .then(wakeWorkers)
  return {
    async start({ kind, input = {}, description }, key, actor) {
      kinds[kind].check?.(input as never)
      return insert(kind, input, description ?? kinds[kind].describe(input as never), key, actor)
    },
    startImport: (upload, name, key, actor) => {
      const input = { file: upload.id, name, bytes: upload.bytes }
      return insert('import', input, kinds.import.describe(input as never), key, actor, upload)
    },
    async list({ state, kind, owner, before, limit }) {
      const rows = await outbox.query(
        (sql) => sql<(TaskRow & { cursor: string })[]>`
          select (select sse.cursor()) as cursor, found.*
          from sse.head left join lateral (
            select * from sse.tasks
            where true ${state === undefined ? sql`` : sql`and state = ${state}`}
              ${kind === undefined ? sql`` : sql`and kind = ${kind}`}
              ${owner === undefined ? sql`` : sql`and owner = ${owner}`}
              ${before === undefined ? sql`` : sql`and id < ${before}`}
            order by id desc limit ${limit + 1}
          ) found on true
          order by found.id desc`,
      )
      const tasks = rows.filter(({ id }) => id !== null).map(toTask)
      const page = tasks.slice(0, limit)
      const next = tasks.length > limit ? (page.at(-1)?.id ?? null) : null
      return { tasks: page, next, cursor: rows[0]?.cursor ?? '0' }
    },
    async read(id) {
      const [row] = await outbox.query(
        (sql) => sql<(TaskRow & { cursor: string })[]>`
          select (select sse.cursor()) as cursor, t.* from sse.head left join sse.tasks t on t.id = ${id}`,
      )
      if (!row || row.id === null) throw unknownTask(id)
      return { ...toTask(row), cursor: row.cursor }
    },
    count: coalesce(async () => {
      const rows = await outbox.query(
        (sql) => sql<{ cursor: string; state: TaskState | null; count: number }[]>`
          select (select sse.cursor()) as cursor, found.* from sse.head
          left join lateral (select state, count(*)::int as count from sse.tasks group by state) found on true`,
      )
      const counts = Object.fromEntries(rows.flatMap(({ state, count }) => (state === null ? [] : [[state, count]])))
      return { counts, cursor: rows[0]?.cursor ?? '0' }
    }),
    cancel: (id, versions, actor) =>
      changeQueue(id, versions, async (sql, row) => {
        checkAction(row, 'cancel')
        if (row.state === 'queued' && row.job) await queue.remove(sql, row.job)
        const files = row.checkpoint === null ? [] : await listFiles(sql, id)
        const ended = { state: 'cancelled', ended_at: new Date(), next_attempt_at: null, files } as const
        return changeTask(sql, row, 'task.cancelled', ended, actor)
      }),
    retry: (id, versions, actor) =>
      changeQueue(id, versions, async (sql, row) => {
        checkAction(row, 'retry')
        const anew: TaskChange = {
          state: 'queued',
          failures: 0,
          error: null,
          // What it left so far may still grow.
          files: [],
          started_at: null,
          ended_at: null,
          ...(row.checkpoint === null && ANEW),
          job: null,
        }
        const retried = await changeTask(sql, row, 'task.queued', anew, actor)
        await checkTaskCount(sql, row.owner, maxPerOwner)
        return retried
      }),
    rename: (id, description, versions, actor) =>
      change(id, versions, (sql, row) => changeTask(sql, row, 'task.renamed', { description }, actor)),
    async remove(id, versions, actor) {
      await change(id, versions, async (sql, row) => {
        checkAction(row, 'delete')
        await sql`delete from sse.tasks where id = ${id}`
        // The next version, so that it is told apart from the state that is deleted.
        await publishTask(sql, toTask({ ...row, version: row.version + 1 }), 'task.deleted', [], actor)
        return row
      })
    },
  }
}
