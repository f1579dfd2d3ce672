import { isDeepStrictEqual } from 'node:util'
import type { Actor } from '../../auth/actor.ts'
import type { Sql } from '../../platform/database.ts'
import { AppError } from '../../platform/errors.ts'
import { publishChange } from '../change.ts'
import { ownedBy } from '../ownership.ts'
import type { TASK_EVENTS } from './events.ts'
import type { Task, TaskFile, TaskKind, TaskState } from './schema.ts'
import { channelOf } from './task.ts'

/** A row of sse.tasks. */
export interface TaskRow {
  id: number
  kind: TaskKind
  owner: string
  description: string
  input: Record<string, unknown>
  state: TaskState
  progress: number
  step: string
  attempt: number
  failures: number
  checkpoint: unknown
  result: Record<string, unknown> | null
  files: TaskFile[]
  error: string | null
  job: string | null
  request: string | null
  version: number
  created_at: Date
  updated_at: Date
  next_attempt_at: Date | null
  started_at: Date | null
  ended_at: Date | null
}

const text = (time: Date | null) => time?.toISOString() ?? null

/** The task as clients and events see it. */
export const toTask = (row: TaskRow): Task => ({
  id: row.id,
  kind: row.kind,
  owner: row.owner,
  description: row.description,
  input: row.input,
  state: row.state,
  progress: row.progress,
  step: row.step,
  attempt: row.attempt,
  error: row.error,
  result: row.result,
  files: row.files,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  nextAttemptAt: text(row.next_attempt_at),
  startedAt: text(row.started_at),
  endedAt: text(row.ended_at),
})

/** Columns that a change of a task may set. */
export type TaskColumns = Partial<
  Omit<TaskRow, 'id' | 'kind' | 'owner' | 'request' | 'version' | 'created_at' | 'updated_at' | 'checkpoint'>
>

/** The progress of a task without a checkpoint: its next attempt starts from the beginning. */
export const NO_PROGRESS = { progress: 0, step: '' }

/** Changes a row that the transaction has locked, and publishes the change. @returns the row after it */
export async function changeTask(
  sql: Sql,
  row: TaskRow,
  type: TaskEventType,
  change: TaskColumns,
  actor?: Actor,
): Promise<TaskRow> {
  const next = { ...row, ...change }
  const [changed] = await sql<TaskRow[]>`
    update sse.tasks set
      description = ${next.description}, state = ${next.state}, progress = ${next.progress}, step = ${next.step},
      attempt = ${next.attempt}, failures = ${next.failures}, result = ${json(next.result)}::text::jsonb,
      files = ${json(next.files)}::text::jsonb, error = ${next.error}, job = ${next.job},
      next_attempt_at = ${next.next_attempt_at}, started_at = ${next.started_at}, ended_at = ${next.ended_at},
      version = version + 1, updated_at = clock_timestamp()
    where id = ${row.id} returning *`
  const task = toTask(changed as TaskRow)
  await publishTask(sql, task, type, changedMembers(toTask(row), task), actor)
  return changed as TaskRow
}

/** Members that change every time, and are not listed in `changed`. */
const ALWAYS_CHANGED: ReadonlySet<keyof Task> = new Set(['version', 'updatedAt'])

const changedMembers = (before: Task, after: Task) =>
  (Object.keys(after) as (keyof Task)[]).filter(
    (member) => !ALWAYS_CHANGED.has(member) && !isDeepStrictEqual(after[member], before[member]),
  )

/** The types of the events of a task. */
export type TaskEventType = keyof typeof TASK_EVENTS

/** Publishes a change of a task in its transaction. @param actor who made it; `undefined` for a worker */
export const publishTask = (
  sql: Sql,
  task: Task,
  type: TaskEventType,
  changed: readonly (keyof Task)[],
  actor?: Actor,
): Promise<void> => publishChange(sql, { channel: channelOf(task), type, resource: task, changed }, actor)

/** Locks a row until the transaction ends. @throws {AppError} `task.unknown` (404), also for another user's task */
export async function lockTask(sql: Sql, id: number, actor: Actor): Promise<TaskRow> {
  const [row] = await sql<TaskRow[]>`
    select * from sse.tasks where id = ${id} and ${ownedBy(sql, 'owner', actor)} for update`
  if (!row) throw unknownTask(id)
  return row
}

/** The error for an id without a task: `task.unknown` (404). */
export const unknownTask = (id: number) => new AppError('task.unknown', `There is no task ${id}.`, { status: 404 })

const json = (value: unknown) => (value === null ? null : JSON.stringify(value))
