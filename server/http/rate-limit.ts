import { TokenBucket } from 'limiter'
import { LRUCache } from 'lru-cache'
import type { AppError, AppErrorOptions } from '../platform/errors.ts'
import { SECOND } from '../platform/time.ts'

/** A rate at which each sender may do something. */
export interface RateLimit {
  /** Whether there is no limit, so that the sender does not matter. */
  readonly isUnlimited: boolean
  /**
   * Takes a part of a sender's share.
   *
   * @returns the fields `RateLimit` and `RateLimit-Policy` of the response; none without a limit
   * @throws {AppError} that of `refuse` (429), with these fields and `Retry-After`
   */
  take(sender: string, count: number): Record<string, string>
}

/** What a rate limit counts. */
export interface RateLimitOptions {
  /** Name of the policy in the fields. */
  name: string
  /** Per second; `0` for no limit. */
  rate: number
  /** What a sender may do at once after a pause; at least what one request may take. */
  burst: number
  /** Makes the error of a sender that is too fast, with the status 429. */
  refuse: (options: AppErrorOptions) => AppError
}

/** Senders that are remembered: those beyond, which were quiet for longest, have a full bucket again. */
const MAX_SENDERS = 10_000

/** A token bucket for each sender, which fills at the rate. */
export function createRateLimit({ name, rate, burst, refuse }: RateLimitOptions): RateLimit {
  if (rate === 0) return { isUnlimited: true, take: () => ({}) }
  const policy = `"${name}";q=${burst};w=${Math.ceil(burst / rate)}`
  const buckets = new LRUCache<string, TokenBucket>({ max: MAX_SENDERS, memoMethod: () => fullBucket(burst, rate) })
  /** Seconds until a bucket holds as many. */
  const secondsUntil = (bucket: TokenBucket, count: number) => Math.ceil(bucket.getWaitTime(count) / SECOND)
  // draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4.
  const fieldsOf = (bucket: TokenBucket) => ({
    'ratelimit-policy': policy,
    ratelimit: `"${name}";r=${Math.floor(bucket.content)};t=${secondsUntil(bucket, burst)}`,
  })
  return {
    isUnlimited: false,
    take(sender, count) {
      const bucket = buckets.memo(sender)
      if (bucket.tryRemoveTokens(count)) return fieldsOf(bucket)
      throw refuse({
        retryAfter: Math.max(1, secondsUntil(bucket, count)),
        headers: fieldsOf(bucket),
      })
    },
  }
}

/**
 * The fields of a 429 of a limit that is no rate: how many may be under way at once.
 *
 * @param name of the policy
 * @param quota the most at once
 * @param seconds after which a retry makes sense
 */
export const exhaustedFields = (name: string, quota: number, seconds: number): Record<string, string> => ({
  'ratelimit-policy': `"${name}";q=${quota}`,
  ratelimit: `"${name}";r=0;t=${seconds}`,
})

function fullBucket(size: number, rate: number): TokenBucket {
  const bucket = new TokenBucket({ bucketSize: size, tokensPerInterval: rate, interval: SECOND })
  bucket.content = size
  return bucket
}
