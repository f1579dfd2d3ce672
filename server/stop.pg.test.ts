import { expect, test } from 'bun:test'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive } from './platform/embedded-postgres/data-directory.ts'
import { createDatabase } from './testing/database.ts'
import { startFaultProxy } from './testing/fault-proxy.ts'
import { holdLock } from './testing/held-lock.ts'
import { startProcess } from './testing/instance.ts'
import { freePort } from './testing/ports.ts'
import { until } from './testing/until.ts'

// None of these processes would end by itself before its test times out.

/** A process of `sse-update` that is starting. */
function spawn(verb: 'serve' | 'work', settings: Record<string, string>) {
  const child = Bun.spawn([process.execPath, 'server/main.ts', verb], {
    env: { PATH: process.env.PATH ?? '', PORT: '0', LOG_FORMAT: 'json', ...settings },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader()
  let output = ''
  return {
    child,
    /** Resolves when the process has logged this. */
    async logged(text: string) {
      while (!output.includes(text)) {
        const { value, done } = await reader.read()
        if (done) throw new Error(`it ended without logging "${text}":\n${output}`)
        output += value
      }
    },
    /** Sends a signal; resolves to the exit code and the messages of the log. */
    async end(signal: NodeJS.Signals) {
      child.kill(signal)
      for (let part = await reader.read(); !part.done; part = await reader.read()) output += part.value
      const messages = output
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).msg)
      return { code: await child.exited, messages }
    },
  }
}

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'sse-update-stop-'))
  await Bun.$`chmod 755 ${path}`
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const postgresPid = async (directory: string) =>
  Number((await readFile(join(directory, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0])

test.each([
  ['serve', 'SIGTERM'],
  ['serve', 'SIGINT'],
  ['work', 'SIGTERM'],
] as const)('%s that waits for an unreachable Postgres stops at %s', async (verb, signal) => {
  const it = spawn(verb, { DATABASE_URL: `postgres://u@127.0.0.1:${await freePort()}/x` })
  await it.logged('waiting for Postgres')
  expect(await it.end(signal)).toEqual({ code: 0, messages: [expect.any(String), 'stopping', 'stopped'] })
})

test('a start that waits for a lock stops at SIGTERM, and leaves the database as it is', async () => {
  await using database = await createDatabase()
  const lock = await holdLock(database.sql, 'lock table sse.migration in access exclusive mode')
  const it = spawn('serve', { DATABASE_URL: database.url })
  await it.logged('the start waits for a lock')
  expect(await it.end('SIGTERM')).toMatchObject({ code: 0, messages: [expect.any(String), 'stopping', 'stopped'] })
  await lock.release()
  await using instance = await startProcess({ DATABASE_URL: database.url })
  expect((await fetch(`${instance.url}/healthz`)).status).toBe(200)
})

test('a start that waits for a lock of the queue stops at SIGTERM', async () => {
  await using database = await createDatabase()
  const lock = await holdLock(database.sql, 'lock table sse_tasks.version in access exclusive mode')
  const it = spawn('serve', { DATABASE_URL: database.url, MIGRATE: 'off', QUERY_TIMEOUT_MS: '60000' })
  await it.logged('listening for notifications')
  expect(await it.end('SIGTERM')).toMatchObject({ code: 0 })
  await lock.release()
})

test('a start that creates the embedded Postgres stops at SIGINT, and leaves neither a cluster nor a process', async () => {
  await using directory = await temporaryFolder()
  const it = spawn('serve', { DATA_DIR: directory.path })
  await it.logged('creating the embedded Postgres')
  expect(await it.end('SIGINT')).toMatchObject({ code: 0 })
  expect((await readdir(directory.path)).filter((name) => /^postgres($|\.\d)/.test(name))).toEqual([])
  expect(await Bun.$`ps -eo args`.text()).not.toContain(`${directory.path}/postgres`)
})

test('an embedded Postgres that hangs is killed, also while another instance waits for it to start', async () => {
  await using directory = await temporaryFolder()
  const settings = { DATA_DIR: directory.path, SHUTDOWN_TIMEOUT_MS: '500', DRAIN_MS: '0' }
  const owner = spawn('serve', settings)
  await owner.logged('sse-update serves')
  const pid = await postgresPid(directory.path)
  process.kill(pid, 'SIGSTOP')
  const guest = spawn('work', { ...settings, LOG_LEVEL: 'debug' })
  await guest.logged('attaching to it')
  expect(await guest.end('SIGTERM')).toMatchObject({ code: 0 })
  const { code, messages } = await owner.end('SIGTERM')
  expect(messages).toContain('the embedded Postgres did not stop in time; killing it')
  expect([code, messages.at(-1), isAlive(pid)]).toEqual([0, 'stopped', false])
})

test.each(['serve', 'work'] as const)('%s stops although Postgres hangs', async (verb) => {
  await using database = await createDatabase()
  const { hostname, port } = new URL(database.url)
  await using proxy = await startFaultProxy({ host: hostname, port: Number(port) })
  const address = new URL(database.url)
  address.port = String(proxy.port)
  const settings = { SHUTDOWN_TIMEOUT_MS: '500', DRAIN_MS: '0', QUERY_TIMEOUT_MS: '600000', OUTBOX_POLL_MS: '50' }
  const it = spawn(verb, { DATABASE_URL: address.href, ...settings })
  await it.logged(`sse-update ${verb}s`)
  const lock = await holdLock(database.sql, 'lock table sse.outbox in access exclusive mode')
  await until('a query waits for the lock', async () => {
    const waiting = await database.sql`
      select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
    return waiting.length > 0
  })
  proxy.stall()
  expect(await it.end('SIGTERM')).toMatchObject({ code: 0 })
  await lock.release()
})
