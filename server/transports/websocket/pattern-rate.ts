import { createRateLimit, type RateLimit } from '../../http/rate-limit.ts'
import { AppError } from '../../platform/errors.ts'
import type { Telemetry } from '../../telemetry/telemetry.ts'

/** Patterns per second of the changes of all WebSockets of one subject or address: about a hundredth of a processor. */
const RATE = 2000
/** At once after a pause: of a page that reconnects its sockets. */
const BURST = 10_000

/**
 * How many patterns each sender may change over all of its WebSockets. Who is too fast gets `subscription.too_fast` (429): the
 * rate of messages of each socket alone would let many sockets keep the server busy.
 */
export const createPatternRate = (telemetry: Pick<Telemetry, 'limitReached'>): RateLimit =>
  createRateLimit({
    name: 'patterns',
    rate: RATE,
    burst: BURST,
    refuse(options) {
      telemetry.limitReached('pattern_rate')
      return new AppError(
        'subscription.too_fast',
        `The WebSockets of one subject may change ${RATE} patterns per second. The channels stay as they were: send the change later.`,
        { ...options, status: 429 },
      )
    },
  })
