import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sql } from './database.ts'
import { MigrationError } from './migration-error.ts'
import { type StartLockOptions, withStartLock } from './start-lock.ts'

/** One numbered SQL file. */
export interface Migration {
  /** `7` in `0007_instances.sql`. */
  version: number
  /** `instances` in `0007_instances.sql`. */
  name: string
  /** The content of the file. */
  sql: string
  /** SHA-256 of the content, in hexadecimal. */
  checksum: string
}

/** Reads `NNNN_name.sql` files, in the order of their numbers. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{4}_.+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (file) => {
      const sql = await readFile(join(directory, file), 'utf8')
      const checksum = createHash('sha256').update(sql).digest('hex')
      return { version: Number(file.slice(0, 4)), name: file.slice(5, -4), sql, checksum }
    }),
  )
}

/**
 * Applies the migrations that are not applied yet, in one transaction, one instance at a time.
 *
 * @param sql a pool of at least two connections, see `withStartLock`
 * @returns the migrations applied now
 * @throws {MigrationError} `migration.changed`, `migration.newer` or `migration.blocked`: an applied file was changed, the
 * database is newer than this program, or a lock was not available in time
 */
export const migrate = (
  sql: Sql,
  migrations: readonly Migration[],
  options: StartLockOptions = {},
): Promise<Migration[]> =>
  withStartLock(sql, options, async (transaction) => {
    const pending = pendingOf(migrations, await applied(transaction))
    for (const { version, name, checksum, sql: text } of pending) {
      await transaction.unsafe(text)
      await transaction`insert into sse.migration (version, name, checksum) values (${version}, ${name}, ${checksum})`
    }
    return pending
  })

/**
 * Checks that every migration is applied, and changes nothing.
 *
 * @throws {MigrationError} `migration.missing`, `migration.changed` or `migration.newer`
 */
export async function checkMigrated(sql: Sql, migrations: readonly Migration[]): Promise<void> {
  const [{ exists } = { exists: false }] = await sql<{ exists: boolean }[]>`
    select to_regclass('sse.migration') is not null as exists`
  const pending = pendingOf(migrations, exists ? await applied(sql) : [])
  if (pending.length === 0) return
  const names = pending.map(fileName).join(', ')
  throw new MigrationError(
    'migration.missing',
    `The database lacks ${pending.length} of ${migrations.length} migrations (${names}). Run "sse-update migrate", or start with MIGRATE=on.`,
  )
}

interface Applied {
  version: number
  name: string
  checksum: string
}

const applied = (sql: Pick<Sql, never> & ((strings: TemplateStringsArray) => PromiseLike<unknown>)) =>
  sql`select version, name, checksum from sse.migration order by version` as PromiseLike<Applied[]>

function pendingOf(migrations: readonly Migration[], done: readonly Applied[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.version, migration]))
  for (const { version, name, checksum } of done) {
    const migration = known.get(version)
    if (!migration) {
      throw new MigrationError(
        'migration.newer',
        `The database has migration ${fileName({ version, name })}, which this version of sse-update does not know. Run the version that applied it, or a newer one.`,
      )
    }
    if (migration.checksum !== checksum) {
      throw new MigrationError(
        'migration.changed',
        `Migration ${fileName(migration)} was changed after it was applied to this database. Restore the file, and put the change into a new migration.`,
      )
    }
  }
  const versions = new Set(done.map(({ version }) => version))
  return migrations.filter(({ version }) => !versions.has(version))
}

const fileName = ({ version, name }: Pick<Migration, 'version' | 'name'>) =>
  `${String(version).padStart(4, '0')}_${name}.sql`
