import { expect, test } from 'bun:test'
import { createDatabase } from '../../testing/database.ts'
import { startFaultProxy } from '../../testing/fault-proxy.ts'
import { startInstance } from '../../testing/instance.ts'
import { untilReadiness } from '../faults/deployment.ts'

test('a Postgres that hangs (SIGSTOP, a stalled network) fails readiness long before a query times out', async () => {
  await using database = await createDatabase()
  const address = new URL(database.url)
  await using proxy = await startFaultProxy({ host: address.hostname, port: Number(address.port) })
  address.port = String(proxy.port)
  await using instance = await startInstance(address.href, { QUERY_TIMEOUT_MS: '600000', POLL_INTERVAL_MS: '1000' })
  await untilReadiness(instance.url, ({ code }) => code === 200)
  proxy.stall()
  const readiness = await untilReadiness(instance.url, ({ code }) => code === 503)
  expect(readiness.checks.log?.detail).toContain('Postgres has not responded for')
  proxy.flow()
  await untilReadiness(instance.url, ({ code }) => code === 200)
}, 30_000)
