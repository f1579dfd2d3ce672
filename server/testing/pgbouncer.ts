import { describe } from 'bun:test'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDatabase } from '../platform/database.ts'
import { postgresAccount } from '../platform/embedded-postgres/account.ts'
import { freePort } from './ports.ts'

const program = Bun.which('pgbouncer') ?? Bun.which('pgbouncer', { PATH: '/usr/sbin:/usr/local/sbin' })

/**
 * `describe` for tests that need pgbouncer. Without it, the tests are skipped with a message; in CI that is an error.
 */
export const describeWithPgbouncer = program ? describe : skipWithMessage()

function skipWithMessage() {
  const message = 'pgbouncer was not found: the pooler tests are SKIPPED. Install Debian\'s "pgbouncer".'
  if (process.env.CI) throw new Error(message)
  console.error(`\n*** ${message} ***\n`)
  return describe.skip
}

/** A pgbouncer in transaction mode in front of a database; `url` goes through it. */
export async function startPgbouncer(databaseUrl: string): Promise<{ url: string } & AsyncDisposable> {
  const { hostname, port: databasePort, pathname } = new URL(databaseUrl)
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-pgbouncer-'))
  await chmod(directory, 0o755)
  const port = await freePort()
  await writeFile(join(directory, 'users.txt'), '"postgres" ""\n')
  await writeFile(
    join(directory, 'pgbouncer.ini'),
    `[databases]
* = host=${hostname} port=${databasePort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${directory}/users.txt
pool_mode = transaction
default_pool_size = 5
max_client_conn = 500
server_login_retry = 1
`,
  )
  const child = Bun.spawn([program as string, join(directory, 'pgbouncer.ini')], {
    stdout: 'ignore',
    stderr: 'ignore',
    ...(await postgresAccount()),
  })
  // `auth_type = trust` requires a user name in the URL.
  const url = `postgres://postgres@127.0.0.1:${port}${pathname}`
  await untilItResponds(url)
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGINT')
      child.kill('SIGTERM')
      await child.exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function untilItResponds(url: string): Promise<void> {
  const sql = connectDatabase(url, { max: 1, prepare: false })
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await sql`select 1`
        return
      } catch (error) {
        if (attempt > 100) throw error
        await Bun.sleep(50)
      }
    }
  } finally {
    await sql.end({ timeout: 1 })
  }
}
