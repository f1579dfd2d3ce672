import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createLogger } from '../platform/logger.ts'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { until } from '../testing/until.ts'
import { Monitor } from './monitor.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const logger = createLogger({ logLevel: 'silent', logFormat: 'json' })

/** A monitor that has read until its checks are as wanted. */
async function readUntil(migrations: number, condition: (checks: ReturnType<Monitor['checks']>) => boolean) {
  const monitor = new Monitor({ database: directly(database.sql), migrations, logger, interval: 10 })
  monitor.start()
  await until('the checks are as wanted', () => monitor.checks(), condition)
  await monitor.stop()
  return monitor.checks()
}

test('an event that waits in the outbox for long is reported', async () => {
  await database.sql`select sse.publish('c', 't', '1')`
  await database.sql`update sse.outbox set created_at = now() - interval '90 seconds'`
  const { outbox } = await readUntil(1, (checks) => checks.outbox.status !== 'ok')
  expect(outbox.detail).toMatch(/waiting in sse.outbox for 9\d s/)
  await database.sql`select sse.relay(10)`
  expect((await readUntil(1, (checks) => checks.outbox.status === 'ok')).outbox).toEqual({ status: 'ok' })
})

test('a database with fewer migrations than the program knows fails', async () => {
  const { migrations } = await readUntil(99, (checks) => checks.migrations.status !== 'ok')
  expect(migrations).toMatchObject({ status: 'failed', detail: expect.stringContaining('of 99 migrations') })
})

test('a notification queue that fills up is reported', () => {
  const monitor = new Monitor({ database: directly(database.sql), migrations: 1, logger })
  monitor.readings = { ...monitor.readings, notificationQueueUsage: 0.6 }
  expect(monitor.checks().notifications).toMatchObject({ status: 'degraded', detail: expect.stringContaining('60 %') })
})
