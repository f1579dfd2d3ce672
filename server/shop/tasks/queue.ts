import { type Db, PgBoss } from 'pg-boss'
import type { Sql } from '../../platform/database.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { MigrationError } from '../../platform/migration-error.ts'
import type { Database } from '../../platform/pool.ts'
import { withStartLock } from '../../platform/start-lock.ts'

/** What stands in the queue for a task that wants to run. */
export interface Job {
  id: string
  task: number
  /** Aborts when the queue has given the job to somebody else. */
  signal: AbortSignal
}

export interface QueueOptions {
  database: Database
  /** Whether its tables are made and brought up to date at start. */
  migrate: boolean
  logger: Logger
}

/** Schema of pg-boss's own tables. */
const QUEUE_SCHEMA = 'sse_tasks'
const TASKS = 'tasks'
/** Where jobs go whose workers died over and over. */
const ABANDONED = 'tasks-abandoned'

/** Seconds without a sign of life after which a job goes to another worker; the least that pg-boss takes. */
export const LEASE = 10
/** Seconds that a job waits for a worker until pg-boss deletes it: its task would wait for ever, and its owner's with it. */
const KEPT = 10 * 365 * 24 * 60 * 60
/** What pg-boss says of tables that are not there, or of another version. */
const NOT_INSTALLED = /not installed|requires migrations/
/** Times that a job is given to another worker after one died. */
const MAX_TAKEOVERS = 3

/**
 * The queue of tasks: pg-boss, on connections of the application, in the transactions of the application. It settles
 * who runs what, and hands over what a dead worker held; what a task is and how it went is in sse.tasks.
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
      // Nothing here is due at a time of day.
      schedule: false,
      superviseIntervalSeconds: 1,
      monitorIntervalSeconds: 1,
    })
    this.#boss.on('error', (error) => this.#fail(error))
    this.#boss.on('warning', (warning) => options.logger.warn({ warning }, 'the queue of tasks warns'))
  }

  /** Why it could not be read last time; `undefined` while it can. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** @throws {MigrationError} when its tables are not there, or of another version, and are not to be made */
  async start(): Promise<void> {
    try {
      await this.#boss.start()
    } catch (error) {
      await this.stop()
      if (!NOT_INSTALLED.test(messageOf(error))) throw error
      throw new MigrationError(
        'migration.missing',
        `The tables of the queue (schema ${QUEUE_SCHEMA}) do not fit: ${messageOf(error)}. Run "sse-update migrate", or start with MIGRATE=on.`,
      )
    }
  }

  /** Makes what jobs stand in. */
  async createQueues(): Promise<void> {
    const settings = { retryLimit: MAX_TAKEOVERS, heartbeatSeconds: LEASE, expireInSeconds: 24 * 60 * 60 - 1 }
    await this.#boss.createQueue(ABANDONED, settings)
    await this.#boss.createQueue(TASKS, { ...settings, deadLetter: ABANDONED })
  }

  /** Adds a job for a task of `owner` when the transaction commits, to be run after `delay` seconds at the earliest. */
  async add(sql: Sql, task: number, owner: string, delay = 0): Promise<string> {
    const id = crypto.randomUUID()
    const startAfter = delay > 0 ? { startAfter: new Date(Date.now() + 1000 * delay) } : {}
    await this.#boss.send(
      TASKS,
      { task, job: id },
      {
        id,
        group: { id: owner },
        retentionSeconds: KEPT,
        db: within(sql),
        ...startAfter,
      },
    )
    return id
  }

  /** Takes a job out when the transaction commits. */
  async remove(sql: Sql, job: string): Promise<void> {
    await this.#boss.deleteJob(TASKS, job, { db: within(sql) })
  }

  /**
   * Runs jobs as they come, `concurrency` at once, of which at most `perOwner` of one owner (those on other instances
   * count too). `run` settles the task's outcome itself; when it throws, it could not, and the job comes again.
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
          // Where one was, there may be more.
          this.#boss.notifyWorker(worker)
        },
      )
      this.#workers.push(worker)
    }
    await this.#boss.work<JobData>(ABANDONED, polling, async ([job]) => {
      if (job) await abandon(job.data.task, job.data.job)
    })
  }

  /** There is a new job: the workers of this instance need not wait for their next look. */
  wake(): void {
    for (const worker of this.#workers) this.#boss.notifyWorker(worker)
  }

  /** Takes no more jobs. */
  async pause(): Promise<void> {
    await Promise.all([TASKS, ABANDONED].map((queue) => this.#boss.offWork(queue, { wait: false })))
  }

  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: false })
  }

  #fail(error: Error): void {
    const { logger } = this.#options
    // It looks every second: one line tells of an outage.
    if (this.#problem === undefined) logger.warn({ problem: error.message }, 'the queue of tasks failed')
    this.#problem = error.message
  }
}

/**
 * Makes the queue's tables or brings them up to date, one instance after the other: of several that make them at once,
 * all but one would fail.
 *
 * @param sql what holds the lock meanwhile; of two connections or more, see `withStartLock`
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
  /** The job's own id, which a copy of it among the abandoned does not have. */
  job: string
}

type Rows = { rows: unknown[] }

/** Several statements answer several lists of rows. */
const rowsOf = (result: readonly unknown[]): Rows => ({
  rows: result.some(Array.isArray) ? result.flat() : [...result],
})

type Values = Parameters<Sql['unsafe']>[1]

/**
 * Advisory locks can be held by every role: what pg-boss does under one of its own is done under a row lock of
 * migrations/0010_sql_trust_boundary.sql instead.
 */
const withRowLocks = (text: string) =>
  text
    .replaceAll('pg_try_advisory_xact_lock(', 'sse.try_lock_queue(')
    .replaceAll('pg_advisory_xact_lock(', 'sse.lock_queue(')

/** A whole transaction as one text: of a pool, `postgres` gives a connection to its own transactions only. */
const TRANSACTION = /^\s*begin;(.*)commit;\s*$/is

/** @param onAnswer called when Postgres has answered */
function pooled(database: Database, onAnswer: () => void): Db {
  return {
    async executeSql(statement, values) {
      const text = withRowLocks(statement)
      const rows = await database.query(async (sql) => {
        const [, statements] = TRANSACTION.exec(text) ?? []
        if (statements === undefined) return rowsOf(await sql.unsafe(text, values as Values))
        return rowsOf(await sql.begin((transaction) => transaction.unsafe(statements)))
      })
      onAnswer()
      return rows
    },
  }
}

const within = (sql: Sql): Db => ({
  executeSql: async (text, values) => rowsOf(await sql.unsafe(text, values as Values)),
})
