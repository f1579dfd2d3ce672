import type { Sql } from './database.ts'
import { messageOf } from './errors.ts'
import type { Logger } from './logger.ts'

/** Sees which sessions keep another one waiting. */
export interface LockWatch {
  /** Begins to look at what the session with this process ID waits for. */
  start(pid: number): void
  /** The sessions that held the lock when it was last waited for; `undefined` when none was seen. */
  readonly holders: string | undefined
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
 * Looks every `interval` milliseconds, on another connection than the one that waits, and logs the holders whenever they
 * change.
 */
export function watchLocks(sql: Sql, interval: number, logger: Logger | undefined): LockWatch {
  let timer: Timer | undefined
  let isLooking = false
  let holders: string | undefined

  async function look(pid: number): Promise<void> {
    if (isLooking) return
    isLooking = true
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
      logger?.debug({ problem: messageOf(error) }, 'could not look for what the start waits for')
    } finally {
      isLooking = false
    }
  }

  return {
    start(pid) {
      timer = setInterval(() => void look(pid), interval)
    },
    get holders() {
      return holders
    },
    stop: () => clearInterval(timer),
  }
}

/** What Postgres shows of a session; to those who are not of its role it shows no more than that it is there. */
function describe({ pid, role, application, state, age }: Holder): string {
  const more = [
    role && `role ${role}`,
    application && JSON.stringify(application),
    state,
    age !== null && `${Math.round(age)} s in its transaction`,
  ]
  return `process ${pid} (${more.filter(Boolean).join(', ')})`
}
