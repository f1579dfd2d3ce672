import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sql } from './database.ts'

export interface Migration {
  version: number
  name: string
  sql: string
  checksum: string
}

/** A database whose migrations do not fit this program, with what to do about it. */
export class MigrationError extends Error {
  constructor(
    readonly code: 'migration.changed' | 'migration.missing' | 'migration.newer',
    message: string,
  ) {
    super(message)
    this.name = 'MigrationError'
  }
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

/** Locks out every other migration of the same database until the transaction ends. */
const ADVISORY_LOCK = 7_736_501

/**
 * Applies what is not applied yet, all of it or nothing, one instance at a time.
 *
 * @returns the migrations applied now
 * @throws {MigrationError} when an applied file was changed, or the database is newer than this program
 */
export async function migrate(sql: Sql, migrations: readonly Migration[]): Promise<Migration[]> {
  return sql.begin(async (transaction) => {
    // A process that freezes in the middle does not keep the others from starting.
    await transaction`set local idle_in_transaction_session_timeout = '30s'`
    await transaction`select pg_advisory_xact_lock(${ADVISORY_LOCK})`
    await transaction`create schema if not exists sse`
    await transaction`
      create table if not exists sse.migration (
        version    integer primary key,
        name       text not null,
        checksum   text not null,
        applied_at timestamptz not null default now()
      )`
    const pending = pendingOf(migrations, await applied(transaction))
    for (const { version, name, checksum, sql: text } of pending) {
      await transaction.unsafe(text)
      await transaction`insert into sse.migration (version, name, checksum) values (${version}, ${name}, ${checksum})`
    }
    return pending
  }) as Promise<Migration[]>
}

/**
 * Checks that every migration is applied, and changes nothing.
 *
 * @throws {MigrationError} when one is missing or was changed, or the database is newer than this program
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
