import { Type } from '@sinclair/typebox'
import { Task } from './schema.ts'

/** What an event of a task carries. */
export const TaskChange = Type.Object(
  {
    task: Task,
    changed: Type.Array(Type.String(), {
      description: 'the members that differ from before',
      examples: [['progress', 'step']],
    }),
  },
  { title: 'TaskChange' },
)

export type TaskChange = typeof TaskChange.static

/** The events on `tasks.<owner>.<id>`, by type, with their summaries. */
export const TASK_EVENTS = {
  'task.queued': 'It waits for a worker: new, retried, or to be tried again.',
  'task.running': 'A worker has taken it up.',
  'task.progress': 'It is further; at most every 100 ms, the newest wins.',
  'task.succeeded': 'It is done; its files can be downloaded.',
  'task.failed': 'It failed for good; `error` says why.',
  'task.cancelled': 'Somebody cancelled it.',
  'task.renamed': 'It has another description.',
  'task.deleted': 'It was deleted with its files; the task is as it was before, with the next version.',
} as const
