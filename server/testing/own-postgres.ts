import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDatabase, type Sql } from '../platform/database.ts'
import { isAlive } from '../platform/embedded-postgres/data-directory.ts'
import { EmbeddedPostgres } from '../platform/embedded-postgres/embedded-postgres.ts'
import { createLogger } from '../platform/logger.ts'
import { freePort } from './ports.ts'

/** A durable Postgres for one test. When it is killed, it is started again. */
export interface OwnPostgres extends AsyncDisposable {
  url: string
  sql: Sql
  /** Resolves when the process has ended; another one is started. */
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Starts a Postgres on a free port, in a temporary directory that is removed when it is disposed. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-own-'))
  await Bun.$`chmod 755 ${directory}`
  const port = await freePort()
  const logger = createLogger({ logLevel: 'silent', logFormat: 'json' })
  const postgres = await EmbeddedPostgres.start({ directory, port, logger })
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const sql = connectDatabase(url, { max: 2, name: 'test' })
  return {
    url,
    sql,
    async kill(signal) {
      const file = await readFile(join(directory, 'postgres/postmaster.pid'), 'utf8').catch(() => '')
      const pid = Number(file.split('\n')[0])
      // It may be starting again at this moment.
      if (pid === 0 || !isAlive(pid)) return
      process.kill(pid, signal)
      while (isAlive(pid)) await Bun.sleep(5)
    },
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 1 })
      await postgres.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
