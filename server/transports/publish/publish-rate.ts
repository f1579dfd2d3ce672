import { TokenBucket } from 'limiter'
import { LRUCache } from 'lru-cache'
import { AppError } from '../../platform/errors.ts'
import { SECOND } from '../../platform/time.ts'
import { MAX_BATCH } from '../../protocol/limits.ts'
import type { Telemetry } from '../../telemetry/telemetry.ts'

/** How many events each sender may publish. */
export interface PublishRate {
  /**
   * Takes events of a sender's share.
   *
   * @returns the fields `RateLimit` and `RateLimit-Policy` of the response; none without a limit
   * @throws {AppError} `publish.too_fast` (429), with these fields and `Retry-After`
   */
  take(sender: string, events: number): Record<string, string>
}

/** Senders that are remembered: those beyond, which were quiet for longest, have a full bucket again. */
const MAX_SENDERS = 10_000

/**
 * A token bucket for each sender: it holds as many events as one request may have at least, and fills at the rate.
 *
 * @param rate events per second; `0` for no limit
 */
export function createPublishRate(rate: number, telemetry: Pick<Telemetry, 'limitReached'>): PublishRate {
  if (rate === 0) return { take: () => ({}) }
  const size = Math.max(rate, MAX_BATCH)
  const policy = `"publish";q=${size};w=${Math.ceil(size / rate)}`
  const buckets = new LRUCache<string, TokenBucket>({
    max: MAX_SENDERS,
    memoMethod: () => fullBucket(size, rate),
  })
  /** Seconds until a bucket holds as many events. */
  const secondsUntil = (bucket: TokenBucket, events: number) => Math.ceil(bucket.getWaitTime(events) / SECOND)
  // draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4.
  const fieldsOf = (bucket: TokenBucket) => ({
    'ratelimit-policy': policy,
    ratelimit: `"publish";r=${Math.floor(bucket.content)};t=${secondsUntil(bucket, size)}`,
  })
  return {
    take(sender, events) {
      const bucket = buckets.memo(sender)
      if (bucket.tryRemoveTokens(events)) return fieldsOf(bucket)
      telemetry.limitReached('publish_rate')
      throw new AppError(
        'publish.too_fast',
        `No more than ${rate} events per second may be published (PUBLISH_RATE). Nothing was published: send them later, or more slowly.`,
        { status: 429, retryAfter: Math.max(1, secondsUntil(bucket, events)), headers: fieldsOf(bucket) },
      )
    },
  }
}

function fullBucket(size: number, rate: number): TokenBucket {
  const bucket = new TokenBucket({ bucketSize: size, tokensPerInterval: rate, interval: SECOND })
  bucket.content = size
  return bucket
}
