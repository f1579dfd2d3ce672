import { isUnreachable } from '../platform/database-errors.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import type { EventLog, PurgeLimits } from './log.ts'

/** What retention needs. */
export interface RetentionOptions {
  log: Pick<EventLog, 'purge' | 'preparePartitions'>
  limits: PurgeLimits
  /** Milliseconds between two checks for expired events. */
  interval: number
  logger: Logger
}

/** Drops events that have expired, and makes partitions ahead. Every instance has one; Postgres lets one at a time do it. */
export function createRetention({ log, limits, interval, logger }: RetentionOptions): Loop {
  const loop = new Loop({
    interval,
    async work() {
      await log.preparePartitions()
      if (limits.maxAge === null && limits.maxEvents === null) return
      const purged = await log.purge(limits)
      if (!purged) return
      logger.info({ purged }, 'dropped events that have expired')
      // There may be more: a call removes a bounded number.
      loop.wake()
    },
    onError: (error) => {
      // While Postgres is unavailable, the feed logs it.
      if (!isUnreachable(error)) logger.error({ err: error }, 'expired events can not be dropped')
    },
  })
  return loop
}
