import type { Outbox } from '../../log/outbox.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { Loop } from '../../platform/loop.ts'
import { SECOND, sleep } from '../../platform/time.ts'
import { Attempt, AttemptLostError } from './attempt.ts'
import type { Files } from './files.ts'
import { kinds } from './kinds/kinds.ts'
import { abandoned, failed, type Outcome, requeued, succeeded } from './outcome.ts'
import { type Job, LEASE, type Queue } from './queue.ts'
import { changeTask, NO_PROGRESS, type TaskRow } from './task-store.ts'
import { advance, findStrandedOwners, lockOwner, lockOwnerOf } from './turns.ts'

/** What a worker needs. */
export interface WorkerOptions {
  outbox: Outbox
  queue: Queue
  files: Files
  /** Tasks that run at once; `0` runs none. */
  concurrency: number
  /** Tasks of one owner that run at once, on all instances. */
  perOwner: number
  logger: Logger
}

/** Poll interval in milliseconds for tasks that were cancelled or taken over: how late the running code is aborted. */
const WATCH_INTERVAL = SECOND / 2
/** Poll interval in milliseconds for waiting tasks without a job, which exist only after an outside change. */
const STRANDED_INTERVAL = 5 * SECOND
/** Milliseconds for which a worker tries to write an outcome. After its lease another worker has the task anyway. */
const SETTLE_TIMEOUT = 2 * LEASE * SECOND

/** Fetches jobs, runs their tasks, and writes the outcomes. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #running = new Map<number, { attempt: Attempt; ended: Promise<void> }>()
  readonly #watch: Loop
  readonly #rescue: Loop

  constructor(options: WorkerOptions) {
    const { logger } = options
    this.#options = options
    this.#watch = new Loop({
      interval: WATCH_INTERVAL,
      work: () => this.#abortLost(),
      onError: (error) => logger.debug({ problem: messageOf(error) }, 'the running tasks could not be checked'),
    })
    this.#rescue = new Loop({
      interval: STRANDED_INTERVAL,
      work: () => this.#rescueStranded(),
      onError: (error) => logger.debug({ problem: messageOf(error) }, 'tasks without a job could not be searched'),
    })
  }

  /** How many tasks run on this instance now. */
  get running(): number {
    return this.#running.size
  }

  /** Starts fetching jobs. */
  async start(): Promise<void> {
    const { queue, concurrency, perOwner } = this.#options
    if (concurrency === 0) return
    this.#watch.start()
    this.#rescue.start()
    await queue.work(
      { concurrency, perOwner },
      (job) => this.#run(job),
      (task, job) => this.#abandon(task, job),
    )
  }

  /** Stops fetching jobs, waits up to `timeout` milliseconds for running tasks, and queues the others again. */
  async stop(timeout: number): Promise<void> {
    await this.#options.queue.pause()
    const ended = Promise.all([...this.#running.values()].map(({ ended }) => ended))
    const isDone = await Promise.race([ended.then(() => true), sleep(timeout).then(() => false)])
    if (!isDone) for (const { attempt } of this.#running.values()) attempt.abort('stopping')
    await ended
    await Promise.all([this.#watch.stop(), this.#rescue.stop()])
  }

  async #run(job: Job): Promise<void> {
    const task = await this.#claim(job)
    if (!task) return
    const attempt = new Attempt(this.#options, task)
    const lose = () => attempt.abort(new AttemptLostError(task.id))
    job.signal.addEventListener('abort', lose)
    const ended = this.#attempt(attempt, task)
    this.#running.set(task.id, { attempt, ended: ended.catch(() => {}) })
    try {
      await ended
    } finally {
      // It may have been retried, and run here again already.
      if (this.#running.get(task.id)?.attempt === attempt) this.#running.delete(task.id)
      job.signal.removeEventListener('abort', lose)
    }
  }

  /** `undefined` when the job is obsolete: its task was cancelled, deleted, or is done. */
  async #claim(job: Job): Promise<TaskRow | undefined> {
    const { outbox, queue } = this.#options
    const task = await outbox.change(async (sql) => {
      await lockOwnerOf(sql, job.task)
      const [row] = await sql<TaskRow[]>`
        select * from sse.tasks where id = ${job.task} and job = ${job.id} and state in ('queued', 'running') for update`
      if (!row) return undefined
      const taken = await changeTask(sql, row, 'task.running', {
        state: 'running',
        attempt: row.attempt + 1,
        started_at: new Date(),
        next_attempt_at: null,
        files: [],
        ...(row.checkpoint === null && NO_PROGRESS),
      })
      await advance(sql, queue, row.owner)
      return taken
    })
    queue.wake()
    return task
  }

  async #attempt(attempt: Attempt, task: TaskRow): Promise<void> {
    const { logger, queue } = this.#options
    const about = { task: task.id, kind: task.kind, attempt: attempt.number }
    logger.debug(about, 'an attempt of a task starts')
    try {
      const result = await kinds[task.kind].run(attempt.context)
      attempt.signal.throwIfAborted()
      await this.#settle(attempt, succeeded(result))
    } catch (error) {
      const reason = attempt.signal.aborted ? attempt.signal.reason : error
      if (reason instanceof AttemptLostError) return logger.debug(about, 'a task was cancelled or taken over')
      if (reason === 'stopping') return this.#settle(attempt, requeued(queue))
      logger.info({ ...about, problem: messageOf(error) }, 'an attempt of a task failed')
      await this.#settle(attempt, failed(queue, error))
    }
  }

  /** Retries while Postgres is unreachable: the work itself is done. */
  async #settle(attempt: Attempt, outcome: Outcome): Promise<void> {
    const deadline = performance.now() + SETTLE_TIMEOUT
    for (;;) {
      try {
        return await attempt.settle(outcome)
      } catch (error) {
        if (error instanceof AttemptLostError) return
        if (performance.now() > deadline) throw error
        await sleep(SECOND / 2)
      }
    }
  }

  /** Fails a task whose workers kept dying. */
  async #abandon(id: number, job: string): Promise<void> {
    const { outbox, queue } = this.#options
    await outbox.change(async (sql) => {
      await lockOwnerOf(sql, id)
      const [row] = await sql<TaskRow[]>`
        select * from sse.tasks where id = ${id} and job = ${job} and state in ('queued', 'running') for update`
      if (!row) return
      await abandoned(sql, row)
      await advance(sql, queue, row.owner)
    })
  }

  /** Adds a job for owners whose only job was deleted by SQL, or fetched by an older version of this server. */
  async #rescueStranded(): Promise<void> {
    const { outbox, queue } = this.#options
    const owners = await outbox.query(findStrandedOwners)
    for (const { owner } of owners) {
      await outbox.change(async (sql) => {
        await lockOwner(sql, owner)
        await advance(sql, queue, owner)
      })
    }
    if (owners.length > 0) queue.wake()
  }

  /** Aborts attempts that no longer hold their task. */
  async #abortLost(): Promise<void> {
    if (this.#running.size === 0) return
    const ids = [...this.#running.keys()]
    const rows = await this.#options.outbox.query(
      (sql) => sql<{ id: number; attempt: number }[]>`
        select id, attempt from sse.tasks where id = any (${ids}::bigint[]) and state = 'running'`,
    )
    const held = new Map(rows.map(({ id, attempt }) => [id, attempt]))
    for (const [id, { attempt }] of this.#running) {
      if (ids.includes(id) && held.get(id) !== attempt.number) attempt.abort(new AttemptLostError(id))
    }
  }
}
