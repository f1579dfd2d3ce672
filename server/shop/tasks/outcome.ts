import type { Sql } from '../../platform/database.ts'
import { databaseProblem } from '../../platform/database-errors.ts'
import { AppError, messageOf } from '../../platform/errors.ts'
import { SECOND } from '../../platform/time.ts'
import { listFiles } from './files.ts'
import type { Queue } from './queue.ts'
import { backOff, MAX_FAILURES } from './task.ts'
import { changeTask, type TaskRow } from './task-store.ts'

/** Writes how an attempt ended, to a row that the transaction has locked. @returns the row after it */
export type Outcome = (sql: Sql, row: TaskRow) => Promise<TaskRow>

const ended = () => ({ ended_at: new Date(), next_attempt_at: null })

/** Without a checkpoint, what an attempt has written may be incomplete: it is not offered for download. */
const filesOf = async (sql: Sql, { id, checkpoint }: TaskRow) => (checkpoint === null ? [] : listFiles(sql, id))

/** The part of an error that users see; the log has all of it. */
const reasonOf = (error: unknown) => databaseProblem(error)?.message ?? messageOf(error)

/** The task has succeeded. @param result figures about it */
export const succeeded =
  (result: Record<string, unknown>): Outcome =>
  async (sql, row) => {
    const files = await listFiles(sql, row.id)
    const state = 'succeeded' as const
    return changeTask(sql, row, 'task.succeeded', { ...ended(), state, progress: 100, result, files, error: null })
  }

/**
 * The attempt has failed. An `AppError` says that the input cannot work, and fails the task. After other errors, the task
 * is retried, later each time, up to {@link MAX_FAILURES} attempts.
 */
export const failed =
  (queue: Queue, error: unknown): Outcome =>
  async (sql, row) => {
    const failures = row.failures + 1
    const change = { failures, error: reasonOf(error) }
    if (error instanceof AppError || failures >= MAX_FAILURES) {
      const files = await filesOf(sql, row)
      return changeTask(sql, row, 'task.failed', { ...change, ...ended(), state: 'failed', files })
    }
    const delay = backOff(failures)
    const next_attempt_at = new Date(Date.now() + delay * SECOND)
    const job = await queue.add(sql, row.id, row.owner, delay)
    return changeTask(sql, row, 'task.queued', { ...change, state: 'queued', next_attempt_at, job })
  }

/** The instance stops: another one will run the task. This does not count as a failure. */
export const requeued =
  (queue: Queue): Outcome =>
  async (sql, row) => {
    const job = await queue.add(sql, row.id, row.owner)
    return changeTask(sql, row, 'task.queued', { state: 'queued', job })
  }

/** The workers that ran the task died again and again. */
export const abandoned: Outcome = async (sql, row) => {
  const error = 'The workers that ran it died repeatedly.'
  const files = await filesOf(sql, row)
  return changeTask(sql, row, 'task.failed', { ...ended(), state: 'failed', error, files })
}
