import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase, createEmptyDatabase, type TestDatabase } from './testing/database.ts'
import { startFaultProxy } from './testing/fault-proxy.ts'
import { startInstance, startProcess } from './testing/instance.ts'
import { freePort } from './testing/ports.ts'
import { openStream, publish } from './testing/stream-reader.ts'
import { until } from './testing/until.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const ready = async (url: string) => {
  const response = await fetch(`${url}/readyz`)
  return {
    code: response.status,
    ...((await response.json()) as { status: string; checks: Record<string, { status: string; detail?: string }> }),
  }
}

const untilReady = (url: string, condition: (state: Awaited<ReturnType<typeof ready>>) => boolean) =>
  until('readiness is as wanted', () => ready(url), condition)

describe('the health of an instance', () => {
  test('is ok when every check is ok', async () => {
    await using instance = await startInstance(database.url)
    expect(await (await fetch(`${instance.url}/healthz`)).json()).toEqual({ status: 'ok' })
    expect(await untilReady(instance.url, ({ status }) => status === 'ok')).toMatchObject({
      code: 200,
      checks: {
        log: { status: 'ok' },
        listener: { status: 'ok' },
        migrations: { status: 'ok' },
        draining: { status: 'ok' },
      },
    })
  })

  test('is degraded without notifications, and gives the reason', async () => {
    await using instance = await startInstance(database.url, {
      DATABASE_LISTEN_URL: `postgres://postgres@127.0.0.1:${await freePort()}/x`,
    })
    const state = await untilReady(
      instance.url,
      ({ checks }) => checks.listener?.detail?.includes('ECONNREFUSED') ?? false,
    )
    expect(state).toMatchObject({ code: 200, status: 'degraded', checks: { listener: { status: 'degraded' } } })
  })

  test('is unavailable without Postgres, but the liveness probe succeeds; publishing returns Retry-After, and streams stay open and resume', async () => {
    const { hostname, port } = new URL(database.url)
    await using proxy = await startFaultProxy({ host: hostname, port: Number(port) })
    const url = new URL(database.url)
    url.port = String(proxy.port)
    await using instance = await startInstance(url.href, { POLL_INTERVAL_MS: '50', HEARTBEAT_MS: '100' })
    await using reader = await openStream(instance.url, ['c'])
    await proxy.refuse()
    expect(await untilReady(instance.url, ({ code }) => code === 503)).toMatchObject({
      status: 'unavailable',
      checks: { log: { status: 'failed' } },
    })
    expect((await fetch(`${instance.url}/healthz`)).status).toBe(200)
    const refused = await fetch(`${instance.url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"channel":"c","type":"t"}',
    })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
    expect(await refused.json()).toMatchObject({ code: 'database.unavailable' })
    const seen = reader.frames.length
    await reader.until(({ frames }) => frames.slice(seen).some(({ event }) => event === 'heartbeat'))
    await database.sql`select sse.publish('c', 'meanwhile', '1')`
    await proxy.accept()
    await reader.untilEvents(1)
    expect(reader.events.map(({ type }) => type)).toEqual(['meanwhile'])
    await untilReady(instance.url, ({ code }) => code === 200)
  })

  test('is degraded while publishing fails and reading works, and gives the reason', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url)
    const locked = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    // Another session holds the lock that orders the log.
    const holding = own.sql.begin(async (transaction) => {
      await transaction`select from sse.head for update`
      locked.resolve()
      await release.promise
    })
    await locked.promise
    const refused = await fetch(`${instance.url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"channel":"c","type":"t"}',
    })
    expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'database.unavailable' }])
    expect(await ready(instance.url)).toMatchObject({
      code: 200,
      status: 'degraded',
      checks: { publishing: { status: 'degraded' }, log: { status: 'ok' } },
    })
    release.resolve()
    await holding
    expect(await publish(instance.url, [{ channel: 'c', type: 't' }])).toEqual([1])
    expect((await ready(instance.url)).checks.publishing).toEqual({ status: 'ok' })
  })
})

describe('an instance that stops', () => {
  test('ends its streams with a reconnection time, responds to publish requests in progress, and exits with 0', async () => {
    await using instance = await startProcess({ DATABASE_URL: database.url })
    await using reader = await openStream(instance.url, ['c'])
    const publishing = Array.from({ length: 50 }, () => publish(instance.url, [{ channel: 'c', type: 't' }]))
    await Promise.all(publishing)
    expect(await instance.end('SIGTERM')).toBe(0)
    await reader.ended
    expect(instance.output).toContain('stopped')
  })

  test('stops at its deadline although a client keeps a request open', async () => {
    await using instance = await startProcess({ DATABASE_URL: database.url, SHUTDOWN_TIMEOUT_MS: '300' })
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: Number(new URL(instance.url).port),
      socket: { data() {} },
    })
    socket.write(
      'POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
    )
    // The server has received the request when it responds to a later one.
    await fetch(`${instance.url}/healthz`)
    expect(await instance.end('SIGTERM')).toBe(0)
  })
})

describe('an instance that starts', () => {
  test('migrates an empty database while another one does so, and both serve', async () => {
    await using empty = await createEmptyDatabase()
    const instances = await Promise.all([
      startProcess({ DATABASE_URL: empty.url }),
      startProcess({ DATABASE_URL: empty.url }),
    ])
    for (const instance of instances) expect((await ready(instance.url)).checks.migrations).toEqual({ status: 'ok' })
    await Promise.all(instances.map((instance) => instance.end('SIGTERM')))
  })

  test('refuses a database that is not migrated with MIGRATE=off, and names the command to run', async () => {
    await using empty = await createEmptyDatabase()
    await expect(startProcess({ DATABASE_URL: empty.url, MIGRATE: 'off' })).rejects.toThrow('sse-update migrate')
  })

  test('serves a migrated database with MIGRATE=off', async () => {
    await using instance = await startProcess({ DATABASE_URL: database.url, MIGRATE: 'off' })
    expect((await fetch(`${instance.url}/healthz`)).status).toBe(200)
  })

  test('refuses a database without the tables of the queue with MIGRATE=off, and names the command to run', async () => {
    await using own = await createDatabase()
    await own.sql`drop schema sse_tasks cascade`
    await expect(startProcess({ DATABASE_URL: own.url, MIGRATE: 'off' })).rejects.toThrow('sse-update migrate')
  })

  test('starts although Postgres is too busy to respond within the timeout', async () => {
    await using own = await createDatabase()
    const { promise: release, resolve: letGo } = Promise.withResolvers<void>()
    const held = own.sql.begin(async (transaction) => {
      await transaction`lock table sse_tasks.version`
      await release
    })
    const starting = startInstance(own.url, { MIGRATE: 'off', QUERY_TIMEOUT_MS: '200', LOG_LEVEL: 'silent' })
    const attempts = new Set<string>()
    while (attempts.size < 3) {
      const waiting = await own.sql`
        select pid || ' ' || query_start as attempt from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`
      for (const { attempt } of waiting) attempts.add(attempt)
    }
    letGo()
    await held
    await using instance = await starting
    await untilReady(instance.url, ({ status }) => status === 'ok')
  })

  test('ends with an error that names the port when it is in use, and with no warning of a part that was stopped', async () => {
    await using instance = await startInstance(database.url)
    const { port } = new URL(instance.url)
    const failure = await startProcess({ DATABASE_URL: database.url, PORT: port }).catch((error) => error.message)
    expect(failure).toContain(`Port ${port}`)
    expect(failure).not.toMatch(/"level":[4-6]0/)
  })

  test('ends with an error that names HOST when that is no address of this machine', async () => {
    const settings = { DATABASE_URL: database.url, HOST: 'nohost.invalid', ALLOW_ANONYMOUS: 'yes' }
    await expect(startProcess(settings)).rejects.toThrow('HOST is "nohost.invalid"')
  })

  test('ends at once, in one line, when the database or the role does not exist', async () => {
    const missing = new URL(database.url)
    missing.pathname = '/no_such_database'
    const noRole = new URL(database.url)
    noRole.username = 'no_such_role'
    const outputs = await Promise.all(
      [missing, noRole].map(({ href }) => startProcess({ DATABASE_URL: href }).catch((error) => error.message)),
    )
    expect(outputs[0].trim().split('\n').slice(1)).toEqual(['sse-update: database "no_such_database" does not exist'])
    expect(outputs[1].trim().split('\n').slice(1)).toEqual(['sse-update: role "no_such_role" does not exist'])
  })

  test('names all invalid settings and exits with 2', async () => {
    const child = Bun.spawn([process.execPath, 'server/main.ts', 'serve'], {
      env: { PATH: process.env.PATH ?? '', PORT: 'x', MIGRATE: 'y' },
      stderr: 'pipe',
      stdout: 'ignore',
    })
    const text = await new Response(child.stderr).text()
    expect(await child.exited).toBe(2)
    expect(text).toContain('PORT is "x"')
    expect(text).toContain('MIGRATE is "y"')
  })
})
