import type { Outbox } from '../../log/outbox.ts'
import { databaseProblem } from '../../platform/database-errors.ts'
import { AppError, messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { Loop } from '../../platform/loop.ts'
import { SECOND, sleep } from '../../platform/time.ts'
import { Attempt, AttemptLostError } from './attempt.ts'
import { type Files, listFiles } from './files.ts'
import { kinds } from './kinds/kinds.ts'
import { type Job, LEASE, type Queue } from './queue.ts'
import { backOff, MAX_FAILURES } from './task.ts'
import { ANEW, changeTask, type TaskRow } from './task-store.ts'
import { advance, findStrandedOwners, lockOwner, lockOwnerOf } from './turns.ts'

export interface WorkerOptions {
  outbox: Outbox
  queue: Queue
  files: Files
  /** Tasks at once. */
  concurrency: number
  /** Of one owner at once, those on other instances too. */
  perOwner: number
  logger: Logger
}

/** How often a worker asks whether what it runs is still its own: the latest that a cancellation arrives. */
const WATCH_INTERVAL = SECOND / 2
/** How often waiting tasks without a job are looked for: they should not be there. */
const STRANDED_INTERVAL = 5 * SECOND
/** How long a worker tries to write how a task ended; after its lease, another one has it. */
const SETTLE_PATIENCE = 2 * LEASE * SECOND

/** Takes tasks up, runs them, and writes how they ended. */
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
      work: () => this.#look(),
      onError: (error) => logger.debug({ problem: messageOf(error) }, 'could not ask after the running tasks'),
    })
    this.#rescue = new Loop({
      interval: STRANDED_INTERVAL,
      work: () => this.#rescueStranded(),
      onError: (error) => logger.debug({ problem: messageOf(error) }, 'could not look for tasks without a job'),
    })
  }

  /** Tasks that run here now. */
  get running(): number {
    return this.#running.size
  }

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

  /** Takes no more tasks, lets those that run end within `patience` milliseconds, and gives the others back. */
  async stop(patience: number): Promise<void> {
    await this.#options.queue.pause()
    const ended = Promise.all([...this.#running.values()].map(({ ended }) => ended))
    const isDone = await Promise.race([ended.then(() => true), sleep(patience).then(() => false)])
    if (!isDone) for (const { attempt } of this.#running.values()) attempt.abort('stopping')
    await ended
    await Promise.all([this.#watch.stop(), this.#rescue.stop()])
  }

  async #run(job: Job): Promise<void> {
    const task = await this.#takeUp(job)
    if (!task) return
    const attempt = new Attempt(this.#options, task)
    const lose = () => attempt.abort(new AttemptLostError(task.id))
    job.signal.addEventListener('abort', lose)
    const ended = this.#attempt(attempt, task)
    this.#running.set(task.id, { attempt, ended: ended.catch(() => {}) })
    try {
      await ended
    } finally {
      // Retried meanwhile, it may run here again.
      if (this.#running.get(task.id)?.attempt === attempt) this.#running.delete(task.id)
      job.signal.removeEventListener('abort', lose)
    }
  }

  /** `undefined` when the job is obsolete: its task was cancelled, deleted, or is done. */
  async #takeUp(job: Job): Promise<TaskRow | undefined> {
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
        ...(row.checkpoint === null && ANEW),
      })
      await advance(sql, queue, row.owner)
      return taken
    })
    queue.wake()
    return task
  }

  async #attempt(attempt: Attempt, task: TaskRow): Promise<void> {
    const { logger } = this.#options
    const about = { task: task.id, kind: task.kind, attempt: attempt.number }
    logger.debug(about, 'a task begins')
    try {
      const result = await kinds[task.kind].run(attempt.context)
      attempt.signal.throwIfAborted()
      await this.#settle(attempt, async (sql, row) => {
        const files = await attempt.listFiles(sql)
        await changeTask(sql, row, 'task.succeeded', {
          ...ENDED(),
          state: 'succeeded',
          progress: 100,
          result,
          files,
          error: null,
        })
      })
    } catch (error) {
      const reason = attempt.signal.aborted ? attempt.signal.reason : error
      if (reason instanceof AttemptLostError) return logger.debug(about, 'a task was cancelled or taken over')
      if (reason === 'stopping') return this.#giveBack(attempt)
      logger.info({ ...about, problem: messageOf(error) }, 'an attempt of a task failed')
      await this.#fail(attempt, error)
    }
  }

  /** An error of the input fails for ever; others are tried again, later each time. */
  #fail(attempt: Attempt, error: unknown): Promise<void> {
    return this.#settle(attempt, async (sql, row) => {
      const failures = row.failures + 1
      const change = { failures, error: reasonOf(error) }
      const files = (await attempt.hasCheckpoint(sql)) ? await attempt.listFiles(sql) : []
      if (error instanceof AppError || failures >= MAX_FAILURES) {
        return changeTask(sql, row, 'task.failed', { ...change, ...ENDED(), state: 'failed', files })
      }
      const delay = backOff(failures)
      const next_attempt_at = new Date(Date.now() + delay * SECOND)
      const job = await this.#options.queue.add(sql, row.id, row.owner, delay)
      return changeTask(sql, row, 'task.queued', { ...change, state: 'queued', next_attempt_at, job })
    })
  }

  /** To whichever instance comes next; it does not count as a failure. */
  #giveBack(attempt: Attempt): Promise<void> {
    return this.#settle(attempt, async (sql, row) => {
      const job = await this.#options.queue.add(sql, row.id, row.owner)
      return changeTask(sql, row, 'task.queued', { state: 'queued', job })
    })
  }

  /** Tried again where Postgres does not answer: what was done is done. */
  async #settle(attempt: Attempt, change: Parameters<Attempt['settle']>[0]): Promise<void> {
    const deadline = performance.now() + SETTLE_PATIENCE
    for (;;) {
      try {
        return await attempt.settle(change)
      } catch (error) {
        if (error instanceof AttemptLostError) return
        if (performance.now() > deadline) throw error
        await sleep(SECOND / 2)
      }
    }
  }

  /** Its workers died over and over. */
  async #abandon(id: number, job: string): Promise<void> {
    const { outbox, queue } = this.#options
    await outbox.change(async (sql) => {
      await lockOwnerOf(sql, id)
      const [row] = await sql<TaskRow[]>`
        select * from sse.tasks where id = ${id} and job = ${job} and state in ('queued', 'running') for update`
      if (!row) return
      const error = 'The worker that ran it died, over and over.'
      const files = row.checkpoint === null ? [] : await listFiles(sql, id)
      await changeTask(sql, row, 'task.failed', { ...ENDED(), state: 'failed', error, files })
      await advance(sql, queue, row.owner)
    })
  }

  /** Gives owners a job again whose only one was deleted: by SQL, or taken up by an older version of this server. */
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

  /** Ends what is not this worker's any more. */
  async #look(): Promise<void> {
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

/** What people are told of an error; the log has all of it. */
const reasonOf = (error: unknown) => databaseProblem(error)?.message ?? messageOf(error)

const ENDED = () => ({ ended_at: new Date(), next_attempt_at: null })
