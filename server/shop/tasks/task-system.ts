import { createOutbox, type Outbox } from '../../log/outbox.ts'
import type { Config } from '../../platform/config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Pools } from '../../platform/pools.ts'
import { whenReachable } from '../../platform/start-database.ts'
import { createFiles, type Files } from './files.ts'
import { Queue } from './queue.ts'
import { createTasks, type Tasks } from './tasks.ts'
import { Worker } from './worker.ts'

export interface TaskSystemOptions {
  /** For the requests of people. */
  outbox: Outbox
  pools: Pick<Pools, 'tasks'>
  /** Called after a transaction that has published. */
  onPublished: () => void
  config: Pick<Config, 'migrate' | 'workerConcurrency' | 'tasksPerOwner' | 'tasksRunningPerOwner' | 'maxOwnerBytes'>
  logger: Logger
}

/** All that tasks need, put together. */
export interface TaskSystem {
  queue: Queue
  /** For work in the background. */
  background: Outbox
  files: Files
  tasks: Tasks
  worker: Worker
  start(): Promise<void>
  /** Lets running tasks end within `patience` milliseconds, and gives the others back. */
  stop(patience: number): Promise<void>
}

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
    async start() {
      await whenReachable(logger, () => queue.start())
      await worker.start()
    },
    async stop(patience) {
      await worker.stop(patience)
      await queue.stop()
    },
  }
}
