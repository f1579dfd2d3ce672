import type { Outbox } from '../../log/outbox.ts'
import type { Sql } from '../../platform/database.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { type Files, insertPart } from './files.ts'
import type { ResultFile, TaskContext } from './kinds/kind.ts'
import { type Progress, ProgressWriter } from './progress.ts'
import { changeTask, type TaskRow } from './task-store.ts'

/** Minimum milliseconds between two writes of the progress of a task. */
const PROGRESS_INTERVAL = 100

/** The task was cancelled, deleted or claimed by another worker: this attempt can no longer write. */
export class AttemptLostError extends Error {
  override name = 'AttemptLostError'
  constructor(task: number) {
    super(`this attempt no longer holds task ${task}`)
  }
}

/** What an attempt needs. */
export interface AttemptOptions {
  outbox: Outbox
  files: Files
  logger: Logger
}

/**
 * The hold of one worker on a task. `attempt` is a fencing token, checked under the row lock of every write: of two workers
 * that both assume to hold the task, because one was suspended while its lease ended, only the newer can write.
 */
export class Attempt {
  readonly #options: AttemptOptions
  readonly #task: TaskRow
  readonly #controller = new AbortController()
  readonly #progress: ProgressWriter

  /** @param task the row when it was claimed */
  constructor(options: AttemptOptions, task: TaskRow) {
    this.#options = options
    this.#task = task
    this.#progress = new ProgressWriter({ interval: PROGRESS_INTERVAL, write: (progress) => this.#write(progress) })
  }

  /** Aborts when the running code has to end. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** From 1. */
  get number(): number {
    return this.#task.attempt
  }

  /** Ends the running code: the hold was lost, or the instance stops and the task is queued again. */
  abort(reason: AttemptLostError | 'stopping'): void {
    void this.#progress.stop()
    this.#controller.abort(reason)
  }

  /** What the kind of the task runs with. */
  get context(): TaskContext<never> {
    const { outbox, files } = this.#options
    return {
      task: this.#task.id,
      input: this.#task.input as never,
      checkpoint: this.#task.checkpoint,
      signal: this.signal,
      database: outbox,
      files,
      report: (progress, step) => this.#progress.report({ progress: clamp(progress), step }),
      commit: (work, checkpoint) =>
        this.#hold(async (sql) => {
          if (checkpoint !== undefined) {
            await sql`update sse.tasks set checkpoint = ${JSON.stringify(checkpoint)}::text::jsonb where id = ${this.#task.id}`
          }
          return work(sql)
        }),
      createFile: (name, contentType) => this.#createFile(name, contentType),
    }
  }

  /** Writes the progress that was reported last, and then the outcome. @throws {AttemptLostError} */
  async settle(outcome: (sql: Sql, task: TaskRow) => Promise<unknown>): Promise<void> {
    await this.#progress.stop()
    const last = this.#progress.pending
    await this.#hold(async (sql, task) => {
      await outcome(sql, last ? await changeTask(sql, task, 'task.progress', last) : task)
    })
  }

  #hold<T>(work: (sql: Sql, task: TaskRow) => Promise<T>): Promise<T> {
    const { id, attempt } = this.#task
    return this.#options.outbox.change(async (sql) => {
      const [row] = await sql<TaskRow[]>`
        select * from sse.tasks where id = ${id} and attempt = ${attempt} and state = 'running' for update`
      if (!row) throw new AttemptLostError(id)
      return work(sql, row)
    })
  }

  async #write(progress: Progress): Promise<void> {
    try {
      await this.#hold((sql, task) => changeTask(sql, task, 'task.progress', progress))
    } catch (error) {
      this.#onProblem(error)
    }
  }

  #onProblem(error: unknown): void {
    if (error instanceof AttemptLostError) this.abort(error)
    else this.#options.logger.debug({ problem: messageOf(error) }, 'the progress of a task could not be written')
  }

  /** Without a checkpoint to resume at, what an earlier attempt has written is deleted. */
  async #createFile(name: string, contentType: string): Promise<ResultFile> {
    const { id, checkpoint } = this.#task
    const file = await this.#hold(async (sql) => {
      if (checkpoint === null)
        await sql`delete from sse.files where task = ${id} and role = 'result' and name = ${name}`
      const [row] = await sql<{ id: string }[]>`
        insert into sse.files (task, role, name, content_type) values (${id}, 'result', ${name}, ${contentType})
        on conflict (task, role, name) do update set content_type = excluded.content_type returning id`
      return (row as { id: string }).id
    })
    return {
      async append(sql, content) {
        const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
        if (bytes.byteLength === 0) return
        const [row] = await sql<{ part: number }[]>`
          select coalesce(max(part), -1) + 1 as part from sse.file_parts where file = ${file}`
        await insertPart(sql, file, row?.part ?? 0, bytes)
        await sql`update sse.files set bytes = bytes + ${bytes.byteLength} where id = ${file}`
      },
    }
  }
}

const clamp = (percent: number) => Math.min(100, Math.max(0, percent))
