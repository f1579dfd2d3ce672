import type { Database } from '../platform/pool.ts'

const LOCAL_HOST = /^(?:(?:[\w-]+\.)*localhost|127\.0\.0\.1)(?::(\d+))?$/i
/** Names under which the lab's page is opened. */
const PAGE_NAMES = ['localhost', '127.0.0.1']

/**
 * The exact origins of pages whose lab may read streams under a `Host` of this machine. The lab opens its streams under
 * `s0.localhost`, `s1.localhost`, … on the port of the page itself, or of another instance.
 *
 * @param host such as `s7.localhost:8080`
 * @param urls of the instances, such as `http://127.0.0.1:8081`
 * @returns none when `host` is not a name of this machine
 */
export function labOrigins(host: string, urls: readonly string[]): string[] {
  const found = LOCAL_HOST.exec(host)
  if (!found) return []
  const ports = new Set([found[1] ?? '', ...urls.map((url) => URL.parse(url)?.port ?? '')])
  return [...ports].flatMap((port) => PAGE_NAMES.map((name) => `http://${name}${port && `:${port}`}`))
}

/** Ends the database connections on which instances listen; they reconnect. @returns how many there were */
export async function killListeners(database: Database): Promise<number> {
  const rows = await database.query(
    (sql) => sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'sse-update listen' and datname = current_database()`,
  )
  return rows.length
}
