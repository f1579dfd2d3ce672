import type { Database } from '../platform/pool.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { Leases } from './leases.ts'

/** A session that was ended before its token expired. */
export interface EndedSession {
  /** `hashSession` of its id. */
  session: string
  /** Subject of its token. */
  subject: string
  /** When its token expires, in milliseconds since the Unix epoch. */
  expiresAt: number
}

/** Rows that are read: as many as an instance remembers. */
const MAX_READ = 100_000

/** Stores a session that was ended: see `sse.end_session`. To end a session twice has no further effect. */
export async function storeEndedSession(
  database: Database,
  { session, subject, expiresAt }: EndedSession,
): Promise<void> {
  await database.query((sql) => sql`select sse.end_session(${session}, ${subject}, ${new Date(expiresAt)})`)
}

/** Reads the ended sessions when events that told of them may have been missed. */
export interface EndedSessionLoader {
  /** Reads the table if it was not read since the start or the last `missed`, and ends the streams of what it finds. */
  load(): Promise<void>
  /** Events were missed: the next `load` reads the table. */
  missed(): void
}

/** A loader of `sse.ended_sessions` into the memory of an instance. */
export function createEndedSessionLoader(
  database: Database,
  endedSessions: EndedSessions,
  leases: Pick<Leases, 'end'>,
): EndedSessionLoader {
  let missed = 1
  let covered = 0
  return {
    async load() {
      if (covered === missed) return
      const covering = missed
      const rows = await database.query(
        (sql) => sql<Omit<EndedSession, 'subject'>[]>`
          select e.session, (extract(epoch from e.expires_at) * 1000)::float8 as "expiresAt"
          from sse.ended_sessions e where e.expires_at > now() order by e.ended_at desc limit ${MAX_READ}`,
      )
      for (const { session, expiresAt } of rows) {
        endedSessions.add(session, expiresAt - Date.now())
        leases.end(session)
      }
      covered = covering
    },
    missed() {
      missed++
    },
  }
}
