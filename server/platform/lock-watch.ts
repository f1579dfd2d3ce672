import type { Sql } from './database.ts'
import { messageOf } from './errors.ts'
import type { Logger } from './logger.ts'

/** Observes which sessions block another one. */
export interface LockWatch {
  /** Begins to observe what the session with this process ID waits for. */
  start(pid: number): void
  /** The sessions that held the lock at the last read that found any; `undefined` when none did. */
  readonly holders: string | undefined
  /** Ends the observation; `holders` is kept. */
  stop(): void
}

interface Holder {
  pid: number
  role: string | null
  application: string | null
  state: string | null
  /** Seconds since its transaction began. */
  age: number | null
}

/**
 * Reads every `interval` milliseconds, on another connection than the one that waits, and logs the holders when they
 * change.
 */
export function watchLocks(sql: Sql, interval: number, logger: Logger | undefined): LockWatch {
  let timer: Timer | undefined
  let isReading = false
  let holders: string | undefined

  async function read(pid: number): Promise<void> {
    if (isReading) return
    isReading = true
    try {
      const found = await sql<Holder[]>`
        select pid, usename as role, application_name as application, state,
               extract(epoch from clock_timestamp() - xact_start)::float8 as age
        from pg_stat_activity where pid = any (pg_blocking_pids(${pid})) order by pid`
      if (found.length === 0) return
      const isNew = !found.every(({ pid }) => holders?.includes(`process ${pid} `))
      holders = found.map(describe).join(', ')
      if (isNew) logger?.warn({ holders }, 'the start waits for a lock in the database that another session holds')
    } catch (error) {
      logger?.debug({ problem: messageOf(error) }, 'could not read what the start waits for')
    } finally {
      isReading = false
    }
  }

  return {
    start(pid) {
      timer = setInterval(() => void read(pid), interval)
    },
    get holders() {
      return holders
    },
    stop: () => clearInterval(timer),
  }
}

/** What Postgres shows of a session; to other roles it shows only the process ID. */
function describe({ pid, role, application, state, age }: Holder): string {
  const more = [
    role && `role ${role}`,
    application && JSON.stringify(application),
    state,
    age !== null && `${Math.round(age)} s in its transaction`,
  ]
  return `process ${pid} (${more.filter(Boolean).join(', ')})`
}
