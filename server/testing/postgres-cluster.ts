import { afterAll } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedPostgres } from '../platform/embedded-postgres/embedded-postgres.ts'
import { createLogger } from '../platform/logger.ts'
import { freePort } from './ports.ts'

/** The Postgres of this test run; `url` is that of its maintenance database. */
let cluster: Promise<{ url: string; stop(): Promise<void> }> | undefined

/** The Postgres of this test run. It is started on the first call, unless `TEST_DATABASE_URL` names a server. */
export function testCluster(): Promise<{ url: string }> {
  cluster ??= start()
  return cluster
}

async function start() {
  const given = process.env.TEST_DATABASE_URL
  if (given) return { url: given, stop: async () => {} }
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-test-'))
  // Postgres may run under another account.
  await Bun.$`chmod 755 ${directory}`
  const port = await freePort()
  const logger = createLogger({ logLevel: 'warn', logFormat: 'auto' })
  const postgres = await EmbeddedPostgres.start({ directory, port, isDurable: false, logger })
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      await postgres.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

afterAll(async () => {
  await (await cluster)?.stop()
})
