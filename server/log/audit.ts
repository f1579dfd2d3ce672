import { isUnreachable } from '../platform/database-errors.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import type { Database } from '../platform/pool.ts'
import { findHole, type Hole } from './holes.ts'
import type { EventLog } from './log.ts'

/** What the audit reads, and how often. */
export interface AuditOptions {
  log: Pick<EventLog, 'bounds'>
  database: Database
  onHole: (hole: Hole) => void
  /** Milliseconds between two ranges. Defaults to `10_000`. */
  interval?: number
  logger: Logger
}

/** Positions of one range: Postgres counts them in 10 to 20 ms. */
const RANGE = 100_000

/**
 * Counts the rows of the log, range after range and then from the start again, so that holes are known before a reader
 * finds them. Readers do not rely on it: they check what they read.
 *
 * @returns a loop that is not started
 */
export function createAudit({ log, database, onHole, interval = 10_000, logger }: AuditOptions): Loop {
  let cursor = 0
  return new Loop({
    interval,
    async work() {
      const { oldest, head } = await log.bounds()
      const after = cursor >= head || cursor < oldest - 1 ? oldest - 1 : cursor
      const through = Math.min(after + RANGE, head)
      const hole = await findHole(database, { after, through }, 'first')
      if (hole) onHole(hole)
      cursor = hole?.to ?? through
    },
    onError: (error) => {
      // While Postgres is unavailable, the feed logs it.
      if (!isUnreachable(error)) logger.error({ err: error }, 'the rows of the log can not be counted')
    },
  })
}
