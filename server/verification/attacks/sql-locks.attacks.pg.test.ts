import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createLog, type EventLog } from '../../log/log.ts'
import { migrationsDirectory } from '../../platform/assets.ts'
import { connectDatabase, type Sql } from '../../platform/database.ts'
import { createLogger, type Logger } from '../../platform/logger.ts'
import { migrate, readMigrations } from '../../platform/migrate.ts'
import { installQueue, Queue } from '../../shop/tasks/queue.ts'
import { createDatabase, createEmptyDatabase, directly, type TestDatabase } from '../../testing/database.ts'
import { holdLock } from '../../testing/held-lock.ts'
import { createRole, type TestRole } from '../../testing/role.ts'
import { until } from '../../testing/until.ts'

// Every role may take advisory locks, so nothing may depend on one.

const logger = createLogger({ logLevel: 'error', logFormat: 'json' })
let database: TestDatabase
let log: EventLog
let attacker: TestRole
beforeAll(async () => {
  database = await createDatabase()
  log = createLog(directly(database.sql))
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  attacker = await createRole(database)
})
afterEach(() => attacker[Symbol.asyncDispose]())

describe('a role that holds every advisory lock that earlier versions used', () => {
  /** The key that pg-boss derives for one of its own. */
  const queueKey = (key: string) =>
    `('x' || encode(sha224((current_database() || '.pgboss.sse_tasks${key}')::bytea), 'hex'))::bit(64)::bigint`

  beforeEach(async () => {
    const [queue] = await database.sql<{ table: string }[]>`
      select table_name as table from sse_tasks.queue where name = 'tasks'`
    const keys = [
      `hashtext('sse.relay')`,
      `hashtext('sse.purge')`,
      '7736501',
      '7736502',
      ...['', 'create-queue', `${queue?.table}failJobsByHeartbeat`, `${queue?.table}failJobsByTimeout`].map(queueKey),
    ]
    for (const key of keys) await attacker.sql.unsafe(`select pg_advisory_lock(${key})`)
  })

  test('does not stop the outbox', async () => {
    await database.sql`select sse.publish('a', 't', '1')`
    expect(await log.relay(10)).toBe(1)
  })

  test('does not stop retention', async () => {
    await log.append(['1', '2'].map((data) => ({ channel: 'a', type: 't', data, origin: null, key: null })))
    expect(await log.purge({ maxAge: null, maxEvents: 0 })).toBeGreaterThan(0)
  })

  test('does not stop a start', async () => {
    expect(await migrate(database.sql, await readMigrations(migrationsDirectory))).toEqual([])
    await database.sql`drop schema sse_tasks cascade`
    await installQueue(database.sql, directly(database.sql), logger)
  })

  test('does not prevent another worker from taking over a task of a dead worker', async () => {
    await using queue = await startQueue(database.sql)
    const job = await queue.add(database.sql, 1, 'alice')
    await database.sql`
      update sse_tasks.job set state = 'active', started_on = now() - interval '1 minute', heartbeat_on = now() - interval '1 minute'
      where id = ${job}`
    const state = async () =>
      (await database.sql<{ state: string }[]>`select state from sse_tasks.job where id = ${job}`)[0]?.state
    expect(await until('the job has left its dead worker', state, (found) => found !== 'active')).toBe('retry')
  }, 20_000)
})

async function startQueue(sql: Sql) {
  const queue = new Queue({ database: directly(sql), migrate: false, logger })
  await queue.start()
  return Object.assign(queue, { [Symbol.asyncDispose]: () => queue.stop() })
}

describe('a start that has to wait for a lock', () => {
  /** A logger that records its messages. */
  function createRecorder() {
    const lines: string[] = []
    const recorded = Promise.withResolvers<void>()
    const warn = (fields: object, message: string) => {
      lines.push(`${message} ${JSON.stringify(fields)}`)
      recorded.resolve()
    }
    return { lines, recorded: recorded.promise, logger: { warn, debug() {} } as unknown as Logger }
  }

  test('logs the session that holds it, and continues when it is released', async () => {
    const holder = await holdLock(database.sql, 'lock table sse.migration in access exclusive mode')
    const recorder = createRecorder()
    const start = migrate(database.sql, await readMigrations(migrationsDirectory), { logger: recorder.logger })
    await recorder.recorded
    expect(recorder.lines[0]).toContain('waits for a lock')
    expect(recorder.lines[0]).toContain(`process ${holder.pid} (role`)
    await holder.release()
    expect(await start).toEqual([])
  })

  test('gives up in time, with an error that names the session that holds it', async () => {
    const holder = await holdLock(database.sql, 'lock table sse.migration in access exclusive mode')
    const error = await migrate(database.sql, [], { timeout: 400 }).catch((caught) => caught)
    expect(error).toMatchObject({ name: 'MigrationError', code: 'migration.blocked' })
    expect(error.message).toContain(`process ${holder.pid} (role`)
    await holder.release()
  })

  test('gives up when another start is creating the schema', async () => {
    await using empty = await createEmptyDatabase()
    const holder = await holdLock(empty.sql, 'create schema sse')
    expect(await migrate(empty.sql, [], { timeout: 400 }).catch((caught) => caught.code)).toBe('migration.blocked')
    await holder.release()
    expect(await migrate(empty.sql, [])).toEqual([])
  })

  test('is not delayed by a role that may read the table', async () => {
    await database.sql.unsafe(`grant select on sse.migration to ${attacker.name}`)
    const reader = await holdLock(attacker.sql, 'lock table sse.migration in access share mode')
    expect(await migrate(database.sql, await readMigrations(migrationsDirectory), { timeout: 2000 })).toEqual([])
    await reader.release()
  })
})

test('a frozen relay holds a lock that only the owner of the schema can take', async () => {
  for (const statement of ['select from sse.mutex for update', 'lock table sse.mutex', 'delete from sse.mutex']) {
    const refused = attacker.sql.begin((transaction) => transaction.unsafe(statement))
    expect(await refused.catch((error) => error.code)).toBe('42501')
  }
  const other = connectDatabase(database.url, { max: 1 })
  await database.sql`select sse.publish('a', 't', '1')`
  await database.sql.begin(async (transaction) => {
    await transaction`select sse.try_lock('relay')`
    expect(await createLog(directly(other)).relay(10)).toBeNull()
  })
  expect(await createLog(directly(other)).relay(10)).toBe(1)
  await other.end()
})

test('a deleted row of sse.mutex causes an error', async () => {
  await database.sql`select sse.publish('a', 't', '1')`
  await database.sql`delete from sse.mutex where name = 'relay'`
  await expect(log.relay(10)).rejects.toThrow("sse.mutex has no row 'relay'")
  await database.sql`insert into sse.mutex values ('relay')`
  expect(await log.relay(10)).toBe(1)
})
