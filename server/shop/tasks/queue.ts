import { PgBoss } from 'pg-boss'
import type { Sql } from '../../platform/database.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { MigrationError } from '../../platform/migration-error.ts'
import type { Database } from '../../platform/pool.ts'
import { withStartLock } from '../../platform/start-lock.ts'
import { pooled, within } from './queue-database.ts'

/** The right to run a task now. */
export interface Job {
  id: string
  task: number
  /** Aborts when the job was handed to another worker. */
  signal: AbortSignal
}

/** What a queue needs. */
export interface QueueOptions {
  database: Database
  /** Whether `start` creates and migrates its tables. */
  migrate: boolean
  logger: Logger
}

/** Schema of pg-boss's own tables. */
const QUEUE_SCHEMA = 'sse_tasks'
const TASKS = 'tasks'
/** The dead letter queue: jobs whose workers died {@link MAX_TAKEOVERS} times and once more. */
const ABANDONED = 'tasks-abandoned'

/** Seconds without a heartbeat after which a job is handed to another worker; the minimum of pg-boss. */
export const LEASE = 10
/** Seconds until pg-boss deletes a waiting job. Its task, and all others of the owner, would then wait forever. */
const RETENTION = 10 * 365 * 24 * 60 * 60
/** What pg-boss reports when its tables are missing or have another version. */
const NOT_INSTALLED = /not installed|requires migrations/
/** How often a job is handed to another worker after one died. */
const MAX_TAKEOVERS = 3

/**
 * The queue of tasks: pg-boss on connections and in transactions of the application. It decides which worker runs which
 * task and hands over the jobs of dead workers; the state of a task is in sse.tasks.
 */
export class Queue {
  readonly #options: QueueOptions
  readonly #boss: PgBoss
  readonly #workers: string[] = []
  #problem: string | undefined

  constructor(options: QueueOptions) {
    this.#options = options
    this.#boss = new PgBoss({
      db: pooled(options.database, () => {
        this.#problem = undefined
      }),
      schema: QUEUE_SCHEMA,
      migrate: options.migrate,
      // There are no cron jobs.
      schedule: false,
      superviseIntervalSeconds: 1,
      monitorIntervalSeconds: 1,
    })
    this.#boss.on('error', (error) => this.#fail(error))
    this.#boss.on('warning', (warning) => options.logger.warn({ warning }, 'the task queue reports a warning'))
  }

  /** Why the last read failed; `undefined` when it succeeded. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** @throws {MigrationError} `migration.missing` when its tables are missing or outdated and `migrate` is off */
  async start(): Promise<void> {
    try {
      await this.#boss.start()
    } catch (error) {
      await this.stop()
      if (!NOT_INSTALLED.test(messageOf(error))) throw error
      throw new MigrationError(
        'migration.missing',
        `The tables of the queue (schema ${QUEUE_SCHEMA}) are missing or have another version: ${messageOf(error)}. Run "sse-update migrate", or start with MIGRATE=on.`,
      )
    }
  }

  /** Creates both queues, unless they exist. */
  async createQueues(): Promise<void> {
    const settings = { retryLimit: MAX_TAKEOVERS, heartbeatSeconds: LEASE, expireInSeconds: 24 * 60 * 60 - 1 }
    await this.#boss.createQueue(ABANDONED, settings)
    await this.#boss.createQueue(TASKS, { ...settings, deadLetter: ABANDONED })
  }

  /**
   * Adds a job for a task of `owner` when the transaction commits.
   *
   * @param delay seconds until it runs at the earliest. Defaults to 0
   * @returns the id of the job
   */
  async add(sql: Sql, task: number, owner: string, delay = 0): Promise<string> {
    const id = crypto.randomUUID()
    const startAfter = delay > 0 ? { startAfter: new Date(Date.now() + 1000 * delay) } : {}
    await this.#boss.send(
      TASKS,
      { task, job: id },
      {
        id,
        group: { id: owner },
        retentionSeconds: RETENTION,
        db: within(sql),
        ...startAfter,
      },
    )
    return id
  }

  /** Removes a job when the transaction commits. */
  async remove(sql: Sql, job: string): Promise<void> {
    await this.#boss.deleteJob(TASKS, job, { db: within(sql) })
  }

  /**
   * Runs jobs, `concurrency` at once, of which at most `perOwner` of one owner on all instances.
   *
   * @param run writes the outcome of the task itself; when it rejects, the job is delivered again
   * @param abandon called with jobs whose workers kept dying
   */
  async work(
    { concurrency, perOwner }: { concurrency: number; perOwner: number },
    run: (job: Job) => Promise<void>,
    abandon: (task: number, job: string) => Promise<void>,
  ): Promise<void> {
    const polling = { pollingIntervalSeconds: 1 }
    for (let count = 0; count < concurrency; count++) {
      const worker: string = await this.#boss.work<JobData>(
        TASKS,
        { ...polling, heartbeatRefreshSeconds: LEASE / 4, groupConcurrency: perOwner },
        async ([job]) => {
          if (job) await run({ id: job.id, task: job.data.task, signal: job.signal })
          // More jobs may be waiting: do not wait for the next poll.
          this.#boss.notifyWorker(worker)
        },
      )
      this.#workers.push(worker)
    }
    await this.#boss.work<JobData>(ABANDONED, polling, async ([job]) => {
      if (job) await abandon(job.data.task, job.data.job)
    })
  }

  /** Makes the workers of this instance poll at once. Call it after a job was added. */
  wake(): void {
    for (const worker of this.#workers) this.#boss.notifyWorker(worker)
  }

  /** Stops fetching jobs; those that run continue. */
  async pause(): Promise<void> {
    await Promise.all([TASKS, ABANDONED].map((queue) => this.#boss.offWork(queue, { wait: false })))
  }

  /** Ends pg-boss without waiting for jobs: call `pause` before, and wait for them. */
  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: false })
  }

  #fail(error: Error): void {
    const { logger } = this.#options
    // It polls every second: one line per outage.
    if (this.#problem === undefined) logger.warn({ problem: error.message }, 'the task queue failed')
    this.#problem = error.message
  }
}

/**
 * Creates or migrates the tables of the queue, one instance at a time: of several at once, all but one would fail.
 *
 * @param sql holds the lock; needs two connections or more, see `withStartLock`
 * @throws {MigrationError} `migration.blocked` when the lock was not available in time
 */
export async function installQueue(sql: Sql, database: Database, logger: Logger): Promise<void> {
  const queue = new Queue({ database, migrate: true, logger })
  await withStartLock(sql, { logger }, async () => {
    try {
      await queue.start()
      await queue.createQueues()
    } finally {
      await queue.stop()
    }
  })
}

interface JobData {
  task: number
  /** The id of the job: its copy in the dead letter queue has another one. */
  job: string
}
