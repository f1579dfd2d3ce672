import type { Role } from '../../../auth/grant.ts'
import type { Outbox } from '../../../log/outbox.ts'
import type { Sql } from '../../../platform/database.ts'
import type { Files } from '../files.ts'

/** What the code of a running task works with. */
export interface TaskContext<Input> {
  /** The task. */
  task: number
  input: Input
  /** The last checkpoint of an earlier attempt; `null` when there is none. */
  checkpoint: unknown
  /** Aborts when the task was cancelled or handed to another worker, or when the instance stops. */
  signal: AbortSignal
  /** For reading; writes go through `commit`. */
  database: Outbox
  files: Files
  /**
   * Reports the progress in percent, and the current step as text for users. May be called at any rate: the newest progress
   * is published at most every 100 ms.
   */
  report(progress: number, step: string): void
  /**
   * Writes in a transaction that commits only while this attempt holds the task.
   *
   * @param checkpoint written in the same transaction: where the next attempt resumes. By default it stays as it was
   * @throws {AttemptLostError}
   */
  commit<T>(work: (sql: Sql) => Promise<T>, checkpoint?: unknown): Promise<T>
  /** Creates a file that can be downloaded when the task has ended. With a checkpoint, the content of earlier attempts is kept. */
  createFile(name: string, contentType: string): Promise<ResultFile>
}

/** A file that a task writes. */
export interface ResultFile {
  /** Appends content in the transaction of a `commit`. */
  append(sql: Sql, content: Uint8Array | string): Promise<void>
}

/** A kind of work, and the code that does it. */
export interface Kind<Input> {
  /** Who may start and retry its tasks: `operator` for work that reads or writes what belongs to all users. */
  role: Role
  /** The default description of a task. */
  describe(input: Input): string
  /** Checks what the schema cannot express. @throws {AppError} when the input is invalid */
  check?(input: Input): void
  /**
   * Does the work. After an error the task is retried later, except after an `AppError`, which says that the input cannot
   * work.
   *
   * @returns figures about it, for the member `result`
   */
  run(context: TaskContext<Input>): Promise<Record<string, unknown>>
}
