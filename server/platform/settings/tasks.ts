import { integer } from './setting.ts'

/** Background tasks and their files. */
export const tasksSettings = {
  workerConcurrency: integer('WORKER_CONCURRENCY', {
    min: 0,
    max: 100,
    fallback: 2,
    unit: 'tasks',
    doc: 'Maximum number of tasks that this instance runs concurrently; 0 leaves them to other instances.',
  }),
  tasksRunningPerOwner: integer('TASKS_RUNNING_PER_OWNER', {
    min: 0,
    max: 10_000,
    fallback: 0,
    unit: 'tasks',
    doc: 'Maximum number of tasks of one owner that run concurrently, over all instances. 0 means one less than WORKER_CONCURRENCY, but at least 1, so that a worker stays free for other owners.',
  }),
  tasksPerOwner: integer('TASKS_PER_OWNER', {
    min: 1,
    max: 1_000_000,
    fallback: 100,
    unit: 'tasks',
    doc: 'Maximum number of queued and running tasks of one owner. Further ones get 429.',
  }),
  maxUploadBytes: integer('MAX_UPLOAD_BYTES', {
    min: 1024,
    max: 2 ** 34,
    fallback: 100 * 2 ** 20,
    unit: 'bytes',
    doc: 'Maximum size of a file to import.',
  }),
  maxOwnerBytes: integer('MAX_OWNER_BYTES', {
    min: 1024,
    max: 2 ** 40,
    fallback: 2 ** 30,
    unit: 'bytes',
    doc: "Maximum total size of the files of one owner's tasks. Beyond it, reports and imports get 409 until tasks are deleted.",
  }),
} as const
