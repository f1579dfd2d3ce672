import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { openStream } from '../testing/stream-reader.ts'
import { until } from '../testing/until.ts'
import type { ClusterView } from './cluster-schema.ts'
import { labOrigins } from './lab.ts'

let database: TestDatabase
let a: Runtime & AsyncDisposable
let b: Runtime & AsyncDisposable

beforeAll(async () => {
  database = await createDatabase()
  a = await startInstance(database.url, { INSTANCE_NAME: 'a', LAB: 'on' })
  b = await startInstance(database.url, { INSTANCE_NAME: 'b' })
})
afterAll(async () => {
  await Promise.all([a.stop(), b.stop()])
  await database[Symbol.asyncDispose]()
})

const view = async (instance: Runtime) => (await (await fetch(`${instance.url}/api/cluster`)).json()) as ClusterView

const untilCluster = (instance: Runtime, condition: (cluster: ClusterView) => boolean) =>
  until('the cluster is as wanted', () => view(instance), condition)

const cause = (instance: Runtime, fault: string) =>
  fetch(`${instance.url}/api/lab/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ fault }),
  })

describe('the cluster', () => {
  test('shows on each instance all instances, the state of Postgres, and what is kept', async () => {
    const cluster = await untilCluster(b, ({ instances }) => instances.length === 2)
    expect(cluster.instances.map(({ name, isSelf }) => [name, isSelf])).toEqual([
      ['a', false],
      ['b', true],
    ])
    expect(cluster.instances[0]).toMatchObject({
      url: a.url,
      version: expect.any(String),
      status: { isDraining: false, transports: { sse: 0, websocket: 0, poll: 0 } },
    })
    expect(cluster.postgres).toMatchObject({ partitions: expect.any(Number), outboxEvents: 0 })
    expect(cluster.postgres.databaseBytes).toBeGreaterThan(0)
    expect([cluster.settings.lab, (await view(a)).settings.lab]).toEqual([false, true])
  })

  test('no longer shows an instance that has stopped', async () => {
    const c = await startInstance(database.url, { INSTANCE_NAME: 'c' })
    await untilCluster(a, ({ instances }) => instances.length === 3)
    await c.stop()
    await untilCluster(a, ({ instances }) => instances.length === 2)
  })
})

describe('the lab', () => {
  test('ends the streams of an instance, whose clients can reconnect at once', async () => {
    await using reader = await openStream(a.url, ['x'])
    const response = await cause(a, 'disconnect-streams')
    expect([response.status, await response.json()]).toEqual([202, { affected: 1 }])
    await reader.ended
    await using again = await openStream(a.url, ['x'])
    expect(again.response.status).toBe(200)
  })

  test('ends the connections that listen; events still arrive', async () => {
    await using reader = await openStream(a.url, ['x'])
    const response = await cause(a, 'kill-listeners')
    expect(((await response.json()) as { affected: number }).affected).toBeGreaterThan(0)
    await database.sql`select sse.publish('x', 't', '1')`
    await reader.untilEvents(1)
  })

  test('refuses faults where they are not allowed, and unknown faults', async () => {
    expect((await cause(b, 'kill-listeners')).status).toBe(403)
    expect((await cause(a, 'explode')).status).toBe(400)
  })

  test('lets its pages read streams under other names of this machine and on other instances, and no other pages', async () => {
    const [own, other] = [a.url, b.url].map((url) => new URL(url).port)
    const allowed = async (url: string, origin: string) => {
      const response = await fetch(`${url}/events?channel=x`, {
        headers: { accept: 'text/event-stream', origin, host: `s7.localhost:${new URL(url).port}` },
      })
      await response.body?.cancel()
      return response.headers.get('access-control-allow-origin')
    }
    for (const port of [own, other]) {
      const origin = `http://localhost:${port}`
      // It learns of another instance with its own next heartbeat.
      await until(
        `${origin} is allowed`,
        () => allowed(a.url, origin),
        (found) => found === origin,
      )
    }
    expect(await allowed(a.url, 'http://evil.example')).toBeNull()
    // Without LAB.
    expect(await allowed(b.url, `http://localhost:${other}`)).toBeNull()
  })

  test('knows the exact origins of pages by the host and by the instances', () => {
    expect(labOrigins('s7.localhost:8080', ['http://127.0.0.1:8081'])).toEqual([
      'http://localhost:8080',
      'http://127.0.0.1:8080',
      'http://localhost:8081',
      'http://127.0.0.1:8081',
    ])
    expect(labOrigins('localhost', [])).toEqual(['http://localhost', 'http://127.0.0.1'])
    for (const host of ['localhost.evil.example', 'evillocalhost:8080', 'example.com', '']) {
      expect(labOrigins(host, ['http://127.0.0.1:8081'])).toEqual([])
    }
  })
})
