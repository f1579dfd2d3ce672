import { describe, expect, test } from 'bun:test'
import { advance, settle, useFakeTime } from '../testing/fake-time.ts'
import { loadConfig } from './config.ts'
import type { DatabaseAddress } from './database.ts'
import type { Logger } from './logger.ts'
import { MigrationError } from './migration-error.ts'
import { openDatabase, whenReachable } from './start-database.ts'

useFakeTime()

const unreachable = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })

/** A step of a start that fails with these errors in turn, and then succeeds. */
function scene(failures: Error[], address: DatabaseAddress = 'postgres://user:secret@db/orders') {
  const warnings: unknown[] = []
  const logger = { warn: (...line: unknown[]) => warnings.push(line) } as unknown as Logger
  let attempts = 0
  let outcome: unknown = 'pending'
  const step = async () => {
    attempts++
    const failure = failures.shift()
    if (failure) throw failure
    return 'started'
  }
  void whenReachable(logger, step, { address }).then(
    (result) => {
      outcome = result
    },
    (error) => {
      outcome = error
    },
  )
  return { warnings, attempts: () => attempts, outcome: () => outcome }
}

describe('a step of a start', () => {
  test('is tried again every half second while Postgres is unreachable, which is logged once', async () => {
    const it = scene([unreachable, unreachable])
    await settle()
    expect([it.attempts(), it.outcome()]).toEqual([1, 'pending'])
    await advance(499)
    expect(it.attempts()).toBe(1)
    await advance(1)
    expect(it.attempts()).toBe(2)
    await advance(500)
    expect([it.attempts(), it.outcome()]).toEqual([3, 'started'])
    expect(it.warnings).toEqual([[{ setting: 'DATABASE_URL', problem: 'refused' }, 'waiting for Postgres at db:5432']])
  })

  test.each([
    ['postgres://user:secret@db/orders', 'No Postgres at db:5432 after 30 s (DATABASE_URL): last'],
    [{ socketDirectory: '/run/sockets', port: 5432 }, 'No Postgres at /run/sockets after 30 s: last'],
  ])(
    'fails with the address and the last error when Postgres %j stays unreachable for half a minute',
    async (address, message) => {
      const last = Object.assign(new Error('last'), { code: 'ECONNREFUSED' })
      const it = scene([...Array.from({ length: 61 }, () => unreachable), last], address)
      for (let second = 0; second < 30; second++) {
        await advance(500)
        await advance(500)
      }
      expect(it.outcome()).toBe('pending')
      await advance(500)
      expect(it.outcome()).toMatchObject({ name: 'NoPostgresError', message })
    },
  )

  test.each([
    ['is refused by Postgres', Object.assign(new Error('no right'), { code: '42501' })],
    ['names a database that does not exist', Object.assign(new Error('no database'), { code: '3D000' })],
    ['has a wrong password', Object.assign(new Error('no password'), { code: '28P01' })],
    ['has a role that may not connect', Object.assign(new Error('no role'), { code: '28000' })],
    ['does not fit the database', new MigrationError('migration.newer', 'newer')],
  ])('that %s fails at once', async (_, error) => {
    const it = scene([error])
    await settle()
    expect([it.attempts(), it.outcome()]).toEqual([1, error])
    expect(it.warnings).toEqual([])
  })
})

test('a step of a start ends when its signal aborts, and does not wait for the attempt under way', async () => {
  const aborting = new AbortController()
  const step = whenReachable({} as Logger, () => new Promise<void>(() => {}), { signal: aborting.signal }).catch(
    (error) => error,
  )
  aborting.abort('stopped')
  expect(await step).toBe('stopped')
})

test('a configured database is used as it is, and no Postgres is started', async () => {
  const config = loadConfig({ DATABASE_URL: 'postgres://host/db' })
  expect(await openDatabase(config, {} as Logger)).toEqual({ address: 'postgres://host/db' })
})
