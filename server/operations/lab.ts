import type { Database } from '../platform/pool.ts'

/** Whether an origin is of this machine: `http://localhost:8080`, `http://s7.localhost:8080`, `http://127.0.0.1:8080`. */
export const isOfThisMachine = (origin: string): boolean =>
  /^https?:\/\/(?:(?:[\w-]+\.)*localhost|127\.0\.0\.1)(?::\d+)?$/.test(origin)

/** Ends the connections on which instances listen; they come back. Answers how many there were. */
export async function killListeners(database: Database): Promise<number> {
  const rows = await database.query(
    (sql) => sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'sse-update listen' and datname = current_database()`,
  )
  return rows.length
}
