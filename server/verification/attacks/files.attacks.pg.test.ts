import { expect, test } from 'bun:test'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedPostgres } from '../../platform/embedded-postgres/embedded-postgres.ts'
import { createLogger } from '../../platform/logger.ts'

test('other accounts cannot read the log of the embedded Postgres, even one created by an earlier version', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-files-'))
  await chmod(directory, 0o755)
  const log = join(directory, 'postgres.log')
  await writeFile(log, '', { mode: 0o644 })
  try {
    const logger = createLogger({ logLevel: 'silent', logFormat: 'json' })
    const embedded = await EmbeddedPostgres.start({ directory, logger, isDurable: false })
    await embedded.stop()
    expect((await stat(log)).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, 'postgres'))).mode & 0o077).toBe(0)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
