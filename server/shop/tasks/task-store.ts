import type { Actor } from '../../auth/identity.ts'
import { publishEvent } from '../../log/outbox.ts'
import type { Sql } from '../../platform/database.ts'
import { AppError } from '../../platform/errors.ts'
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

/** The task as people and events see it. */
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

export type TaskChange = Partial<
  Omit<TaskRow, 'id' | 'kind' | 'owner' | 'request' | 'version' | 'created_at' | 'updated_at' | 'checkpoint'>
>

/** Of a task that leaves nothing to go on from. */
export const ANEW = { progress: 0, step: '' }

/** Changes a row that the transaction has locked, and publishes the change. */
export async function changeTask(
  sql: Sql,
  row: TaskRow,
  type: string,
  change: TaskChange,
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
  const members = Object.keys(task) as (keyof Task)[]
  const before = toTask(row)
  const silent: ReadonlySet<keyof Task> = new Set(['version', 'updatedAt'])
  const isChanged = (member: keyof Task) => JSON.stringify(task[member]) !== JSON.stringify(before[member])
  await publishTask(
    sql,
    task,
    type,
    members.filter((member) => !silent.has(member) && isChanged(member)),
    actor,
  )
  return changed as TaskRow
}

/** The event of a change, in its transaction: the task after it, and which members it changed. */
export const publishTask = (sql: Sql, task: Task, type: string, changed: readonly (keyof Task)[], actor?: Actor) =>
  publishEvent(sql, { channel: channelOf(task), type, data: { task, changed }, origin: actor?.clientId ?? null })

/** @throws {AppError} `task.unknown` (404) */
export async function lockTask(sql: Sql, id: number): Promise<TaskRow> {
  const [row] = await sql<TaskRow[]>`select * from sse.tasks where id = ${id} for update`
  if (!row) throw unknownTask(id)
  return row
}

export const unknownTask = (id: number) => new AppError('task.unknown', `There is no task ${id}.`, { status: 404 })

const json = (value: unknown) => (value === null ? null : JSON.stringify(value))
