import type { Part } from '../platform/lifecycle.ts'
import { together } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Database } from '../platform/pool.ts'
import type { Access } from './access.ts'
import { type AccessObserver, createAccessObserver } from './access-observer.ts'
import { createAccessTables, createKeyLoader, createRevocationLoader } from './access-tables.ts'
import { createEndedSessionLoader, storeEndedSession } from './ended-session-store.ts'
import { LEASE_INTERVAL } from './leases.ts'
import { createSessions, type Sessions, type SessionsOptions } from './sessions.ts'
import { createStreamLeases, type StreamLeases } from './stream-leases.ts'

/** Access control over time: a part of a life cycle, to be started before requests are served. */
export interface AccessControl extends Required<Part> {
  /** Is to see the log before the streams do. */
  observer: AccessObserver
  streamLeases: StreamLeases
  /** @returns `undefined` where the server accepts no tokens */
  sessions(options: Pick<SessionsOptions, 'publish' | 'checkRate'>): Sessions | undefined
}

/** Puts together what changes rights after a request was authorized: time, revocations, and sessions. */
export function createAccessControl(access: Access, database: Database, logger: Logger): AccessControl {
  const { keys, leases, revocations, endedSessions, grantOfToken, isSecure } = access
  const sessionLoader = createEndedSessionLoader(database, endedSessions, leases)
  const load = [createRevocationLoader(database, revocations, leases), sessionLoader.load]
  // A server that was started without any key stays anonymous, and accepts none.
  if (!access.isAnonymous) load.push(createKeyLoader(database, keys, leases))
  const tables = createAccessTables({ load, logger })
  const observer = createAccessObserver({
    leases,
    endedSessions,
    onTablesChanged: () => tables.wake(),
    onMissed() {
      sessionLoader.missed()
      tables.wake()
    },
    logger,
  })
  let timer: Timer | undefined
  const clock: Part = {
    start() {
      timer = setInterval(() => leases.tick(Date.now()), LEASE_INTERVAL)
    },
    stop: () => clearInterval(timer),
  }
  return {
    observer,
    streamLeases: createStreamLeases(access),
    sessions: (options) =>
      grantOfToken &&
      createSessions({
        ...options,
        grantOfToken,
        leases,
        endedSessions,
        isSecure,
        store: (ended) => storeEndedSession(database, ended),
        logger,
      }),
    ...together({ tables, clock }),
  }
}
