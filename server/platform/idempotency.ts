import { AppError } from './errors.ts'
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
  const digest = new Bun.CryptoHasher('sha256').update(JSON.stringify(what)).digest('hex')
  return { key: `${user}\u001f${key}`, digest }
}

/**
 * What the first request with a key has made.
 *
 * @param row with its digest; `undefined` when it was deleted just now
 * @throws {AppError} `key.reused` (422) when that was another request
 */
export function madeBefore<R extends { request: string | null }>(row: R | undefined, { digest }: RequestKey): R {
  if (row && row.request === digest) return row
  throw new AppError(
    'key.reused',
    'The idempotency key was used for another request. Use a new one for a new request.',
    {
      status: 422,
    },
  )
}
