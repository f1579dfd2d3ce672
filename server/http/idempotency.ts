import type { Sql } from '../platform/database.ts'
import { AppError } from '../platform/errors.ts'
import type { Database } from '../platform/pool.ts'
import { DAY } from '../platform/time.ts'
import { idempotencyKey } from './request-headers.ts'

/** What a repetition of a request is recognised by. */
export interface RequestKey {
  /** The `Idempotency-Key`, and whose it is: nobody gets what another one's key has made. */
  key: string
  /** SHA-256 of what is asked for. */
  digest: string
}

/**
 * The idempotency key of a request, if it has one.
 *
 * @param what is asked for: a repetition must ask for the same
 * @throws {AppError} `key.invalid`
 */
export function requestKey(request: Request, user: string, what: unknown): RequestKey | null {
  const key = idempotencyKey(request)
  if (key === null) return null
  const digest = new Bun.CryptoHasher('sha256').update(canonical(what)).digest('hex')
  return { key: `${user}\u001f${key}`, digest }
}

/** JSON with the members in one order, so that equal requests are equal. */
const canonical = (what: unknown): string =>
  JSON.stringify(what, (_, value) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  )

/**
 * What the first request with a key has made.
 *
 * @param row with its digest; `undefined` when it was deleted just now
 * @throws {AppError} `key.reused` (422) when that was another request; `key.deleted` (410)
 */
export function madeBefore<R extends { request: string | null }>(row: R | undefined, { digest }: RequestKey): R {
  if (!row) throw deleted()
  if (row.request === digest) return row
  throw new AppError(
    'key.reused',
    'The idempotency key was used for another request. Use a new one for a new request.',
    {
      status: 422,
    },
  )
}

/**
 * In the transaction that has made something anew.
 *
 * @throws {AppError} `key.deleted` (410) when the key had made something before, which was deleted
 */
export async function checkNotDeleted(
  sql: Sql,
  table: 'orders' | 'tasks' | 'notifications',
  key: RequestKey | null,
): Promise<void> {
  if (!key) return
  const rows = await sql`select from sse.deleted_keys where key = ${`${table}:${key.key}`}`
  if (rows.length > 0) throw deleted()
}

/** How long the keys of what was deleted are kept. */
const KEPT = 7 * DAY
/** Keys of one statement. */
const BATCH = 1000

/** Deletes keys that have been kept long enough. */
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

const deleted = () =>
  new AppError('key.deleted', 'What this idempotency key has made was deleted since. Use a new one to make it again.', {
    status: 410,
  })
