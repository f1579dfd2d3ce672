import type { Actor } from '../../auth/actor.ts'
import type { Outbox } from '../../log/outbox.ts'
import type { Sql } from '../../platform/database.ts'
import { AppError } from '../../platform/errors.ts'
import { ownedBy } from '../ownership.ts'
import type { TaskFile } from './schema.ts'

/** Bytes of one part of a file: what one query carries, and what a download holds in memory. */
export const PART_BYTES = 512 * 1024

/** A file that was uploaded, before a task takes it. */
export interface Upload {
  /** A UUID. */
  id: string
  bytes: number
  /** SHA-256 of the content, in hexadecimal digits. */
  digest: string
}

/** Files of tasks in Postgres, in parts: every instance can read what any instance has written. */
export interface Files {
  /**
   * Stores the input of a task. When it fails, nothing of it is kept.
   *
   * @throws {AppError} `upload.too_large` (413), `upload.empty`, `upload.aborted` when `signal` aborts
   */
  upload(name: string, body: AsyncIterable<Uint8Array>, maxBytes: number, signal: AbortSignal): Promise<Upload>
  /** Deletes an upload, unless a task has taken it. */
  discard(upload: string): Promise<void>
  /**
   * The first `bytes` of a file, part by part.
   *
   * @throws {Error} when there are fewer, because the file was deleted meanwhile
   */
  read(file: string, bytes: number): AsyncGenerator<Uint8Array<ArrayBuffer>>
  /** Finds a result of a task that has ended. @throws {AppError} `file.unknown` (404), also for another user's task */
  open(task: number, name: string, actor: Actor): Promise<TaskFile & { id: string }>
}

/** @param outbox whose connections serve work in the background */
export const createFiles = (outbox: Outbox): Files => ({
  upload: (name, body, maxBytes, signal) => upload(outbox, name, body, maxBytes, signal),
  discard: (id) => discard(outbox, id),
  read: (file, bytes) => readParts(outbox, file, bytes),
  open: (task, name, actor) => openResult(outbox, task, name, actor),
})

async function upload(
  outbox: Outbox,
  name: string,
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Upload> {
  const rows = await outbox.query(
    (sql) => sql<{ id: string }[]>`
      insert into sse.files (role, name, content_type) values ('input', ${name}, 'text/csv') returning id`,
  )
  const { id } = rows[0] as { id: string }
  const aborted = new AppError('upload.aborted', 'The connection was closed before the whole file had arrived.')
  // A request body whose connection is lost ends without an error: only the signal reports it.
  const cut = Promise.withResolvers<never>()
  const abort = () => cut.reject(aborted)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    return await Promise.race([store(outbox, id, body, maxBytes), cut.promise])
  } catch (error) {
    await discard(outbox, id).catch(() => {})
    throw signal.aborted ? aborted : error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

async function store(outbox: Outbox, id: string, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Upload> {
  const digest = new Bun.CryptoHasher('sha256')
  let bytes = 0
  let part = 0
  for await (const content of inParts(body)) {
    bytes += content.byteLength
    if (bytes > maxBytes) throw uploadTooLarge(maxBytes)
    digest.update(content)
    await outbox.query((sql) => insertPart(sql, id, part++, content))
  }
  if (bytes === 0) throw new AppError('upload.empty', 'The body is empty. Send the content of the file.')
  await outbox.query((sql) => sql`update sse.files set bytes = ${bytes} where id = ${id}`)
  return { id, bytes, digest: digest.digest('hex') }
}

async function discard(outbox: Outbox, upload: string): Promise<void> {
  await outbox.query((sql) => sql`delete from sse.files where id = ${upload} and task is null`)
}

async function* readParts(outbox: Outbox, file: string, bytes: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let left = bytes
  for (let part = 0; left > 0; part++) {
    const rows = await outbox.query(
      (sql) => sql<{ content: Uint8Array<ArrayBuffer> }[]>`
        select content from sse.file_parts where file = ${file} and part = ${part}`,
    )
    if (!rows[0]) throw new Error(`a file was deleted while it was read: ${left} of ${bytes} bytes are missing`)
    const content = rows[0].content.subarray(0, left)
    left -= content.byteLength
    yield content
  }
}

async function openResult(
  outbox: Outbox,
  task: number,
  name: string,
  actor: Actor,
): Promise<TaskFile & { id: string }> {
  const rows = await outbox.query(
    (sql) => sql<(TaskFile & { id: string })[]>`
      select f.id, f.name, f.content_type as "contentType", f.bytes
      from sse.files f join sse.tasks t on t.id = f.task
      where f.task = ${task} and ${ownedBy(sql, 't.owner', actor)} and f.name = ${name} and f.role = 'result'
        and t.files @> jsonb_build_array(jsonb_build_object('name', f.name))`,
  )
  if (rows[0]) return rows[0]
  throw new AppError(
    'file.unknown',
    `Task ${task} has no file ${JSON.stringify(name.slice(0, 80))}. Its member "files" lists those that it has, once it has ended.`,
    { status: 404 },
  )
}

/** The error `upload.too_large` (413). */
export const uploadTooLarge = (maxBytes: number) =>
  new AppError(
    'upload.too_large',
    `The file has more than ${maxBytes} bytes (MAX_UPLOAD_BYTES). Send it in several imports.`,
    { status: 413 },
  )

/**
 * Refuses to add `bytes` to the files of an owner's tasks when they would exceed the limit.
 *
 * @throws {AppError} `storage.exceeded` (409) above `maxBytes`
 */
export async function checkStorage(sql: Sql, owner: string, bytes: number, maxBytes: number): Promise<void> {
  const [row] = await sql<{ stored: number }[]>`
    select coalesce(sum(f.bytes), 0)::bigint as stored
    from sse.files f join sse.tasks t on t.id = f.task where t.owner = ${owner}`
  if ((row?.stored ?? 0) + bytes <= maxBytes) return
  throw new AppError(
    'storage.exceeded',
    `The files of ${owner}'s tasks would have more than ${maxBytes} bytes (MAX_OWNER_BYTES). Delete tasks that are no longer needed.`,
    { status: 409, extensions: { limit: maxBytes } },
  )
}

/** Inserts a part of a file. @param part from 0 */
export const insertPart = (sql: Sql, file: string, part: number, content: Uint8Array) =>
  sql`insert into sse.file_parts (file, part, content) values (${file}, ${part}, ${content})`

/** Chunks of any size as parts of {@link PART_BYTES}; the last one may be shorter. */
async function* inParts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    pending.push(chunk)
    size += chunk.byteLength
    if (size < PART_BYTES) continue
    const all = Buffer.concat(pending)
    const whole = size - (size % PART_BYTES)
    for (let start = 0; start < whole; start += PART_BYTES) yield all.subarray(start, start + PART_BYTES)
    pending = [all.subarray(whole)]
    size -= whole
  }
  if (size > 0) yield Buffer.concat(pending)
}

/** The results of a task, by name. */
export const listFiles = async (sql: Sql, task: number): Promise<TaskFile[]> => [
  ...(await sql<TaskFile[]>`
    select name, content_type as "contentType", bytes from sse.files
    where task = ${task} and role = 'result' order by name`),
]
