import { isUnreachable } from '../platform/database-errors.ts'
import type { Part } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { Loop } from '../platform/loop.ts'
import type { Database } from '../platform/pool.ts'
import { SECOND } from '../platform/time.ts'
import type { KeyRing } from './key-ring.ts'
import { readKeys } from './key-store.ts'
import type { Leases } from './leases.ts'
import type { Revocation, Revocations } from './revocations.ts'

/** What {@link createAccessTables} needs. */
export interface AccessTablesOptions {
  /** Each reads a table into memory. */
  load: readonly (() => Promise<void>)[]
  logger: Logger
}

/** The copies of tables that an instance keeps in memory; a part of a life cycle. */
export interface AccessTables extends Part {
  /** The tables may have changed. */
  wake(): void
}

/** Milliseconds between two reads without a hint: until then a failed read, or a change by hand, goes unnoticed. */
const INTERVAL = 5 * SECOND

/**
 * Keeps tables in memory: read at the start, on a hint, and at an interval. While Postgres is unreachable, what was read last
 * applies.
 */
export function createAccessTables({ load, logger }: AccessTablesOptions): AccessTables {
  const read = async () => {
    for (const each of load) await each()
  }
  const loop = new Loop({
    interval: INTERVAL,
    work: read,
    onError: (error) => {
      // While Postgres is unreachable the feed reports it.
      if (!isUnreachable(error)) logger.error({ err: error }, 'revocations and keys can not be read')
    },
  })
  return {
    async start() {
      // No request is served before: a revoked token must not be accepted after a restart.
      await read()
      loop.start()
    },
    wake: () => loop.wake(),
    stop: () => loop.stop(),
  }
}

/** A function that reads `sse.revocations`, and ends the streams whose tokens were revoked. */
export const createRevocationLoader =
  (database: Database, revocations: Revocations, leases: Pick<Leases, 'revoke'>) => async (): Promise<void> => {
    const rows = await database.query(
      (sql) => sql<Revocation[]>`
        select r.kind, r.value, (extract(epoch from r.at) * 1000)::float8 as at from sse.revocations r`,
    )
    revocations.set([...rows])
    leases.revoke(revocations.covers)
  }

/** A function that reads the keys in Postgres, and ends the streams whose keys were revoked. */
export const createKeyLoader =
  (database: Database, keys: KeyRing, leases: Pick<Leases, 'revoke'>) => async (): Promise<void> => {
    keys.set(await readKeys(database))
    leases.revoke(keys.hasRevoked)
  }
