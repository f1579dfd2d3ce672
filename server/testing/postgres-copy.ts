import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDatabase, type Sql } from '../platform/database.ts'
import { EmbeddedPostgres } from '../platform/embedded-postgres/embedded-postgres.ts'
import { createLogger } from '../platform/logger.ts'
import { freePort } from './ports.ts'

/** A Postgres with files of its own, which a test may copy, stop and start again. */
export interface PostgresCopy extends AsyncDisposable {
  url: string
  port: number
  /** The data directory. */
  files: string
  /** Runs a query on a connection of its own. */
  query<T>(run: (sql: Sql) => Promise<T>): Promise<T>
  /** A clean shutdown; nothing when it is stopped already. */
  stop(): Promise<void>
  /** Starts it again with the same files, at the same port. */
  start(): Promise<void>
}

/** Where the files come from, and what is changed before the start. */
export interface CopyOptions {
  /** A data directory of a server that is stopped or in backup mode. Defaults to a new one. */
  from?: string
  /** Its `backup_label`, as `pg_backup_stop` returns it, when it was in backup mode. */
  backupLabel?: string
  /** How it starts: as a standby, or by recovery to a target. Defaults to a plain start. */
  signal?: 'standby' | 'recovery'
  /** Further lines of the configuration. */
  settings?: Record<string, string>
}

/** Starts a Postgres on a copy of files. */
export async function startCopy(options: CopyOptions = {}): Promise<PostgresCopy> {
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-copy-'))
  await Bun.$`chmod 755 ${directory}`
  const files = join(directory, 'postgres')
  if (options.from !== undefined) await prepare(files, options.from, options)
  const port = await freePort()
  const logger = createLogger({ logLevel: 'silent', logFormat: 'json' })
  const start = () => EmbeddedPostgres.start({ directory, port, isDurable: false, logger })
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  let postgres: EmbeddedPostgres | undefined = await start()
  const stop = async () => {
    await postgres?.stop()
    postgres = undefined
  }
  return {
    url,
    port,
    files,
    async query(run) {
      const sql = connectDatabase(url, { max: 1, name: 'test' })
      try {
        return await run(sql)
      } finally {
        await sql.end({ timeout: 1 })
      }
    },
    stop,
    async start() {
      postgres ??= await start()
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function prepare(files: string, from: string, { backupLabel, signal, settings = {} }: CopyOptions) {
  await Bun.$`cp -a ${from} ${files} && rm -f ${files}/postmaster.pid ${files}/postmaster.opts`.quiet()
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
  await appendFile(join(files, 'postgresql.auto.conf'), lines.join(''))
  if (signal) await writeFile(join(files, `${signal}.signal`), '')
  if (backupLabel !== undefined) await writeFile(join(files, 'backup_label'), backupLabel)
  await Bun.$`chown --reference=${files}/PG_VERSION -R ${files}`.quiet()
}

/** A base backup: files that are copied again before a server starts on them. */
export interface BaseBackup extends AsyncDisposable {
  from: string
  backupLabel: string
}

/** Copies the files of a Postgres that runs. */
export async function backUp(of: PostgresCopy): Promise<BaseBackup> {
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-backup-'))
  const from = join(directory, 'files')
  const backupLabel = await of.query(async (sql) => {
    await sql`select pg_backup_start('test', fast => true)`
    // A file may vanish while it is copied; recovery puts in order what the copy has of it.
    await Bun.$`cp -a ${of.files} ${from}`.quiet().nothrow()
    const [stopped] = await sql<
      { labelfile: string }[]
    >`select labelfile from pg_backup_stop(wait_for_archive => false)`
    return stopped?.labelfile ?? ''
  })
  return { from, backupLabel, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}
