import { Type } from '@sinclair/typebox'
import { ChangedMembers } from '../change.ts'
import { Task } from './schema.ts'

/** The data of an event of a task. */
export const TaskChange = Type.Object(
  { task: Task, changed: ChangedMembers(['progress', 'step']) },
  { title: 'TaskChange' },
)

/** The type of {@link TaskChange}. */
export type TaskChange = typeof TaskChange.static

/** The events on `tasks.<owner>.<id>`: type → summary. */
export const TASK_EVENTS = {
  'task.queued': 'It waits for a worker: it is new, was retried, or its next attempt is due later.',
  'task.running': 'A worker has started an attempt.',
  'task.progress': 'It has made progress; at most one event every 100 ms, with the newest progress.',
  'task.succeeded': 'It is done; its files can be downloaded.',
  'task.failed': 'It failed, and is not retried automatically; `error` is the reason.',
  'task.cancelled': 'It was cancelled.',
  'task.renamed': 'It has another description.',
  'task.deleted': 'It was deleted with its files; the task is as it was before, with the next version.',
} as const
