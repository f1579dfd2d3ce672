import canonicalize from 'canonicalize'
import type { Sql } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Database } from '../platform/pool.ts'
import { DAY } from '../platform/time.ts'
import { parseKey } from '../protocol/event.ts'

/** What a repetition of a request is recognised by. */
export interface RequestKey {
  /** The `Idempotency-Key` with the user who sent it: the keys of two users never collide. */
  key: string
  /** SHA-256 of the canonical JSON (RFC 8785) of the request, in hexadecimal digits. */
  digest: string
}

/** A table whose rows keep the key and the digest of the request that created them, in `key` and `request`. */
interface KeyedRow {
  request: string | null
}

/**
 * Reads the idempotency key of a request; `null` without the header `Idempotency-Key`.
 *
 * @param what the request asks for: a repetition has to be equal, in whatever order its members are
 * @throws {AppError} `key.invalid`
 */
export function requestKey(request: Request, user: string, what: unknown): RequestKey | null {
  const header = request.headers.get('idempotency-key')
  if (header === null) return null
  const key = parseKey(header)
  const digest = new Bun.CryptoHasher('sha256').update(canonicalize(what) ?? '').digest('hex')
  return { key: `${user}\u001f${key}`, digest }
}

/** Where a row is inserted under an idempotency key. */
export interface KeyedInsert<R> {
  /** Name of the table in schema `sse`. */
  table: string
  /** `null` inserts in any case. */
  key: RequestKey | null
  /** Inserts one row, `on conflict (key) where key is not null do nothing`, and returns it. */
  insert: () => Promise<readonly R[]>
}

/**
 * Inserts a row unless an earlier request with the same key has. Of several such requests at once, all but one wait for the
 * transaction of the first.
 *
 * @returns the row, and whether this call has inserted it
 * @throws {AppError} `key.reused` (422) when the earlier request was another one; `key.deleted` (410) when its row was deleted
 */
export async function insertOnce<R extends KeyedRow>(
  sql: Sql,
  { table, key, insert }: KeyedInsert<R>,
): Promise<{ row: R; isNew: boolean }> {
  const [created] = await insert()
  if (created) {
    if (key) await checkNotDeleted(sql, table, key)
    return { row: created, isNew: true }
  }
  const { key: name, digest } = key as RequestKey
  const [existing] = await sql<R[]>`select * from ${sql(`sse.${table}`)} where key = ${name}`
  // Deleted by a transaction that has committed between the two statements.
  if (!existing) throw deleted()
  if ((existing as R).request !== digest) throw reused()
  return { row: existing as R, isNew: false }
}

/** Also refuses to insert again what was deleted while this transaction waited for the key. */
async function checkNotDeleted(sql: Sql, table: string, { key }: RequestKey): Promise<void> {
  const rows = await sql`select from sse.deleted_keys where key = ${`${table}:${key}`}`
  if (rows.length > 0) throw deleted()
}

/** Milliseconds for which the key of a deleted row is kept. */
const KEPT = 7 * DAY
/** Keys of one statement. */
const BATCH = 1000

/** Deletes a batch of the keys that were kept long enough. @returns how many it has deleted */
export const expireDeletedKeys = async (database: Database): Promise<number> => {
  const before = new Date(Date.now() - KEPT)
  const keys = await database.query(
    (sql) => sql`
      delete from sse.deleted_keys where key = any (array(
        select key from sse.deleted_keys where deleted_at < ${before}
        order by deleted_at limit ${BATCH} for update skip locked))`,
  )
  return keys.count
}

const reused = () =>
  new AppError('key.reused', 'The idempotency key was used for another request. Use a new one for a new request.', {
    status: 422,
  })

const deleted = () =>
  new AppError('key.deleted', 'What this idempotency key had created was deleted. Use a new one to create it again.', {
    status: 410,
  })
