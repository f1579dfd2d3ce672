import type { Database } from '../platform/pool.ts'
import type { StoredKey } from './key-ring.ts'

/** What is shown of a key that is stored in Postgres: neither the key nor its hash. */
export interface ListedKey extends Omit<StoredKey, 'hash'> {
  createdAt: Date
  /** `null` while the key is accepted. */
  revokedAt: Date | null
}

/** Reads the keys in Postgres that are accepted. */
export const readKeys = (database: Database): Promise<StoredKey[]> =>
  database.query(
    (sql) => sql<StoredKey[]>`
      select name, hash, publish, subscribe, role from sse.access_keys where revoked_at is null order by name`,
  )

/** Reads all keys in Postgres, also those that were revoked, in the order of their names. */
export const listKeys = (database: Database): Promise<ListedKey[]> =>
  database.query(
    (sql) => sql<ListedKey[]>`
      select name, publish, subscribe, role, created_at as "createdAt", revoked_at as "revokedAt"
      from sse.access_keys order by name`,
  )

/** Stores a key. @throws {PostgresError} with a hint, for a name that was used before and for patterns that are not valid */
export async function storeKey(database: Database, { name, hash, publish, subscribe, role }: StoredKey): Promise<void> {
  await database.query(
    (sql) =>
      sql`select sse.create_key(${name}, ${Buffer.from(hash)}, ${publish}::text[], ${subscribe}::text[], ${role})`,
  )
}

/** Revokes a key. @returns whether there was one with this name that was accepted */
export async function revokeKey(database: Database, name: string): Promise<boolean> {
  const [row] = await database.query((sql) => sql<{ revoked: boolean }[]>`select sse.revoke_key(${name}) as revoked`)
  return row?.revoked === true
}
