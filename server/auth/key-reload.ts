import { messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import type { Database } from '../platform/pool.ts'
import { SECOND } from '../platform/time.ts'
import type { KeyRing } from './key-ring.ts'
import { readKeys } from './key-store.ts'

/** What {@link createKeyReload} needs. */
export interface KeyReloadOptions {
  keys: KeyRing
  database: Database
  /** Called after each read, when the ring has the keys that are in Postgres. */
  onRead?: () => void
  logger: Logger
  /** Milliseconds between two reads without `wake`. Defaults to `5_000`. */
  interval?: number
}

/**
 * Keeps the keys of a ring those in Postgres: reads them at an interval, and at once after `wake`. While Postgres is
 * unreachable, the keys that were read last are accepted.
 */
export function createKeyReload({ keys, database, onRead, logger, interval = 5 * SECOND }: KeyReloadOptions): Loop {
  let problem: string | undefined
  return new Loop({
    interval,
    async work() {
      keys.set(await readKeys(database))
      problem = undefined
      onRead?.()
    },
    onError(error) {
      if (problem !== messageOf(error))
        logger.warn({ err: error }, 'the keys can not be read; those read last stay valid')
      problem = messageOf(error)
    },
  })
}
