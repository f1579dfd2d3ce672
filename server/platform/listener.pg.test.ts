import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { startFaultProxy } from '../testing/fault-proxy.ts'
import { freePort } from '../testing/ports.ts'
import { Listener, type ListenerOptions } from './listener.ts'
import type { Logger } from './logger.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const until = async (condition: () => boolean) => {
  while (!condition()) await Bun.sleep(2)
}

/** A listener on channel `test` that proves itself often; what it receives and logs is recorded. */
function scene(options: Partial<ListenerOptions> = {}) {
  const received: string[] = []
  const log: string[] = []
  let registrations = 0
  const line = (level: string) => (fields: { problem?: string } | string) =>
    log.push(typeof fields === 'string' ? `${level} ${fields}` : `${level} ${fields.problem}`)
  const listener = new Listener({
    address: database.url,
    database: directly(database.sql),
    handlers: { test: (payload) => received.push(payload) },
    onListening: () => registrations++,
    logger: { info: line('info'), warn: line('warn'), error: line('error') } as unknown as Logger,
    proofInterval: 20,
    proofTimeout: 2000,
    ...options,
  })
  listener.start()
  return {
    listener,
    received,
    log,
    registrations: () => registrations,
    [Symbol.asyncDispose]: () => listener.stop(),
  }
}

const notify = (payload: string) => database.sql`select pg_notify('test', ${payload})`
const killListeners = () => database.sql`
  select pg_terminate_backend(pid) from pg_stat_activity
  where application_name = 'sse-update listen' and datname = current_database()`
const listeners = async () =>
  Number(
    (
      await database.sql`
        select count(*)::int as count from pg_stat_activity
        where application_name = 'sse-update listen' and datname = current_database()`
    )[0]?.count,
  )

describe('a listener', () => {
  test('is not listening until its first proof has returned', async () => {
    await using it = scene()
    expect([it.listener.isListening, it.listener.problem]).toEqual([false, 'not connected yet'])
    await until(() => it.listener.isListening)
    expect(it.log).toEqual(['info listening for notifications'])
    expect(it.registrations()).toBe(1)
  })

  test('passes the payload of each notification to the handler of its channel', async () => {
    await using it = scene()
    await until(() => it.listener.isListening)
    await notify('1')
    await notify('')
    await database.sql`select pg_notify('other', '2')`
    await notify('3')
    await until(() => it.received.length === 3)
    expect(it.received).toEqual(['1', '', '3'])
  })

  test('listens again when its backend was terminated, and says that notifications may have been missed', async () => {
    await using it = scene()
    await until(() => it.listener.isListening)
    await killListeners()
    await until(() => it.registrations() === 2)
    await notify('after')
    await until(() => it.received.includes('after'))
  })

  test('notices a connection on which nothing arrives, and makes another', async () => {
    const { hostname, port } = new URL(database.url)
    await using proxy = await startFaultProxy({ host: hostname, port: Number(port) })
    const url = new URL(database.url)
    url.port = String(proxy.port)
    await using it = scene({ address: url.href, proofTimeout: 200 })
    await until(() => it.listener.isListening)
    proxy.blackhole()
    await until(() => !it.listener.isListening)
    expect(it.listener.problem).toContain('did not arrive')
    // The connections of now stay lost; those of later are not.
    proxy.flow()
    await until(() => it.listener.isListening)
    await notify('later')
    await until(() => it.received.includes('later'))
  })

  test('says once why it can not connect, and connects when it can', async () => {
    const port = await freePort()
    const { hostname, port: target } = new URL(database.url)
    const url = new URL(database.url)
    url.port = String(port)
    await using it = scene({ address: url.href })
    await until(() => it.log.length > 0)
    expect(it.log).toEqual([expect.stringContaining('ECONNREFUSED')])
    expect(it.listener.problem).toContain('ECONNREFUSED')
    const forwarder = Bun.listen<{ upstream?: Bun.Socket }>({
      hostname: '127.0.0.1',
      port,
      socket: {
        async open(client) {
          client.data = {}
          client.data.upstream = await Bun.connect({
            hostname,
            port: Number(target),
            socket: { data: (_, bytes) => void client.write(bytes) },
          })
        },
        async data(client, bytes) {
          await until(() => client.data.upstream !== undefined)
          client.data.upstream?.write(bytes)
        },
      },
    })
    await until(() => it.listener.isListening)
    expect(it.log).toEqual([expect.stringContaining('ECONNREFUSED'), 'info listening for notifications'])
    await it.listener.stop()
    forwarder.stop(true)
  })

  test('reports that the proof can not be sent', async () => {
    await using it = scene({ database: { query: () => Promise.reject(new Error('no database')) } })
    await until(() => it.log.length > 0)
    expect([it.log, it.listener.isListening]).toEqual([['warn no database'], false])
  })

  test('stops without waiting for a proof, and closes its connection', async () => {
    let isAwaited = false
    const silent: ListenerOptions['database'] = {
      async query<T>(): Promise<T> {
        isAwaited = true
        return undefined as T
      },
    }
    const it = scene({ database: silent, proofTimeout: 600_000 })
    await until(() => isAwaited)
    await it.listener.stop()
    while ((await listeners()) > 0);
  })
})
