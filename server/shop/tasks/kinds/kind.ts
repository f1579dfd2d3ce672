import type { Outbox } from '../../../log/outbox.ts'
import type { Sql } from '../../../platform/database.ts'
import type { Files } from '../files.ts'

/** What a running task has at hand. */
export interface TaskContext<Input> {
  /** The task. */
  task: number
  input: Input
  /** What `commit` was given last, by this attempt or an earlier one. */
  checkpoint: unknown
  /** Aborts when the task was cancelled, went to another worker, or the instance stops. */
  signal: AbortSignal
  /** For reading. */
  database: Outbox
  files: Files
  /** Tells how far it is: percent, and what it is doing. As often as you like; the newest goes out every 100 ms. */
  report(progress: number, step: string): void
  /**
   * Writes in a transaction that only commits while this attempt holds the task, together with where the next attempt
   * would go on.
   *
   * @throws {AttemptLostError}
   */
  commit<T>(work: (sql: Sql) => Promise<T>, checkpoint?: unknown): Promise<T>
  /** A file that can be downloaded when the task has ended; with a checkpoint, what an earlier attempt wrote is kept. */
  createFile(name: string, contentType: string): Promise<ResultFile>
}

export interface ResultFile {
  /** Adds what `commit`'s transaction commits. */
  append(sql: Sql, content: Uint8Array | string): Promise<void>
}

/** A kind of work. */
export interface Kind<Input> {
  /** What a task is called unless somebody says otherwise. */
  describe(input: Input): string
  /** Looks at what the schema can't tell. @throws {AppError} when the input can't work */
  check?(input: Input): void
  /**
   * Does it, and answers figures about it. Whatever it throws is tried again later, except an `AppError`: that says the
   * input can't work.
   */
  run(context: TaskContext<Input>): Promise<Record<string, unknown>>
}
