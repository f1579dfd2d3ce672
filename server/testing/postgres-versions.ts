import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedPostgres } from '../platform/embedded-postgres/embedded-postgres.ts'
import { createLogger } from '../platform/logger.ts'
import { freePort } from './ports.ts'

// Runs the tests of the SQL against older major versions of Postgres: `bun server/testing/postgres-versions.ts 15 16 17`.
// The binaries are other versions of the package that the server installs; they are cached in node_modules/.cache.

const VERSIONS: Record<string, string> = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
}

/** Tests that depend on the version of Postgres: those of migrations/ and of its callers. */
const TESTS = [
  'server/verification/attacks/sql-',
  'server/log/log.pg',
  'server/log/outbox.pg',
  'server/log/publisher.pg',
  'server/log/retention.pg',
  'server/platform/migrate.pg',
  'server/verification/dump.pg',
  'server/log/epochs.pg',
  'server/log/publish-grants.pg',
  'server/roles.pg',
]

const root = join(import.meta.dir, '../..')
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`

/** Returns the directory `native` of the package of a version; downloads the package on the first call. */
async function packageOf(version: string): Promise<string> {
  const directory = join(root, 'node_modules/.cache/postgres', version)
  if (!existsSync(directory)) {
    await mkdir(join(directory, '..'), { recursive: true })
    const temporary = await mkdtemp(`${directory}.`)
    await writeFile(join(temporary, 'package.json'), '{}')
    await Bun.$`${process.execPath} add --exact --ignore-scripts ${PACKAGE}@${version}`.cwd(temporary).quiet()
    await rename(temporary, directory)
  }
  return join(directory, 'node_modules', PACKAGE, 'native')
}

/** @returns the exit code of the test runner */
async function testOn(major: string): Promise<number> {
  const version = VERSIONS[major]
  if (version === undefined)
    throw new Error(
      `There is no package of PostgreSQL ${major}. Available versions: ${Object.keys(VERSIONS).join(', ')}.`,
    )
  const native = await packageOf(version)
  const directory = await mkdtemp(join(tmpdir(), `sse-update-postgres-${major}-`))
  await Bun.$`chmod 755 ${directory}`
  const port = await freePort()
  const logger = createLogger({ logLevel: 'warn', logFormat: 'auto' })
  const postgres = await EmbeddedPostgres.start({ directory, port, isDurable: false, logger, native })
  try {
    console.log(`== PostgreSQL ${version}`)
    const TEST_DATABASE_URL = `postgres://postgres@127.0.0.1:${port}/postgres`
    const tests = Bun.spawn([process.execPath, 'test', '--timeout=60000', ...TESTS], {
      cwd: root,
      env: { ...process.env, TEST_DATABASE_URL },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    return await tests.exited
  } finally {
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

let failed = 0
for (const major of Bun.argv.slice(2)) if ((await testOn(major)) !== 0) failed++
process.exit(failed === 0 ? 0 : 1)
