import { createRateLimit, type RateLimit } from '../../http/rate-limit.ts'
import { AppError } from '../../platform/errors.ts'
import { MAX_BATCH } from '../../protocol/limits.ts'
import type { Telemetry } from '../../telemetry/telemetry.ts'

/**
 * How many events each sender may publish; at once as many as one request may have at least. Who is too fast gets
 * `publish.too_fast` (429).
 *
 * @param rate events per second; `0` for no limit
 */
export const createPublishRate = (rate: number, telemetry: Pick<Telemetry, 'limitReached'>): RateLimit =>
  createRateLimit({
    name: 'publish',
    rate,
    burst: Math.max(rate, MAX_BATCH),
    refuse(options) {
      telemetry.limitReached('publish_rate')
      return new AppError(
        'publish.too_fast',
        `No more than ${rate} events per second may be published (PUBLISH_RATE). Nothing was published: send them later, or more slowly.`,
        { ...options, status: 429 },
      )
    },
  })
