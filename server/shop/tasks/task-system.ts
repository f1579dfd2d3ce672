import { createOutbox, type Outbox } from '../../log/outbox.ts'
import type { Config } from '../../platform/config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Pools } from '../../platform/pools.ts'
import { whenReachable } from '../../platform/start-database.ts'
import { createFiles, type Files } from './files.ts'
import { Queue } from './queue.ts'
import { createTasks, type Tasks } from './tasks.ts'
import { Worker } from './worker.ts'

/** What tasks are built of. */
export interface TaskSystemOptions {
  /** On connections for requests. */
  outbox: Outbox
  pools: Pick<Pools, 'tasks'>
  /** Called after each transaction that has published. */
  onPublished: () => void
  config: Pick<Config, 'migrate' | 'workerConcurrency' | 'tasksPerOwner' | 'tasksRunningPerOwner' | 'maxOwnerBytes'>
  logger: Logger
}

/** The parts of tasks, wired together. */
export interface TaskSystem {
  queue: Queue
  /** On connections for work in the background. */
  background: Outbox
  files: Files
  tasks: Tasks
  worker: Worker
  /** Starts the queue, and the worker. Waits until Postgres is reachable, or the signal aborts. */
  start(signal?: AbortSignal): Promise<void>
  /** Waits up to `timeout` milliseconds for running tasks, and queues the others again. */
  stop(timeout: number): Promise<void>
}

/** Creates the parts of tasks; nothing runs before `start`. */
export function createTaskSystem({ outbox, pools, onPublished, config, logger }: TaskSystemOptions): TaskSystem {
  const queue = new Queue({ database: pools.tasks, migrate: config.migrate === 'on', logger })
  const background = createOutbox({ database: pools.tasks, onPublished })
  const files = createFiles(background)
  const worker = new Worker({
    outbox: background,
    queue,
    files,
    concurrency: config.workerConcurrency,
    perOwner: config.tasksRunningPerOwner || Math.max(1, config.workerConcurrency - 1),
    logger,
  })
  return {
    queue,
    background,
    files,
    tasks: createTasks({ outbox, queue, maxPerOwner: config.tasksPerOwner, maxOwnerBytes: config.maxOwnerBytes }),
    worker,
    async start(signal) {
      await whenReachable(logger, () => queue.start(), { signal })
      await worker.start()
    },
    async stop(timeout) {
      await worker.stop(timeout)
      await queue.stop()
    },
  }
}
