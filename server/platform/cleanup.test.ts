import { expect, test } from 'bun:test'
import { advance, settle, useFakeTime } from '../testing/fake-time.ts'
import { createCleanup } from './cleanup.ts'
import type { Logger } from './logger.ts'

useFakeTime()

const INTERVAL = 1000

/** A cleanup of sweeps that delete so many rows with each batch, or fail. */
function scene(batches: Record<string, (number | Error)[]>) {
  const runs: string[] = []
  const log: unknown[][] = []
  const logger = {
    info: (...line: unknown[]) => log.push(['info', ...line]),
    error: (...line: unknown[]) => log.push(['error', ...line]),
  } as unknown as Logger
  const sweeps = Object.entries(batches).map(([name, results]) => ({
    name,
    async run() {
      runs.push(name)
      const result = results.shift() ?? 0
      if (result instanceof Error) throw result
      return result
    },
  }))
  return { runs, log, cleanup: createCleanup({ sweeps, interval: INTERVAL, logger }) }
}

test('runs a batch of each sweep in turn until nothing is left, then again after the interval', async () => {
  const { cleanup, runs } = scene({ tasks: [5, 1], orders: [3] })
  cleanup.start()
  await settle()
  expect(runs).toEqual(['tasks', 'orders', 'tasks', 'orders', 'tasks', 'orders'])
  await advance(INTERVAL - 1)
  expect(runs).toHaveLength(6)
  await advance(1)
  expect(runs).toHaveLength(8)
})

test('logs how many rows a sweep has deleted, and nothing when there were none', async () => {
  const { cleanup, log } = scene({ tasks: [1], orders: [0] })
  cleanup.start()
  await settle()
  expect(log).toEqual([['info', { deleted: 1, from: 'tasks' }, expect.any(String)]])
})

test('runs the other sweeps when one fails, and logs the failure with its name', async () => {
  const error = Object.assign(new Error('no right'), { code: '42501' })
  const { cleanup, runs, log } = scene({ tasks: [error], orders: [] })
  cleanup.start()
  await settle()
  expect(runs).toEqual(['tasks', 'orders'])
  expect(log).toEqual([['error', { err: error, from: 'tasks' }, expect.any(String)]])
  await advance(INTERVAL)
  expect(runs).toHaveLength(4)
})

test('logs nothing while Postgres is unreachable', async () => {
  const { cleanup, log } = scene({ tasks: [Object.assign(new Error('x'), { code: 'ECONNREFUSED' })] })
  cleanup.start()
  await settle()
  expect(log).toEqual([])
})

test('stops after the batch under way, without the sweeps that follow it', async () => {
  const { promise, resolve } = Promise.withResolvers<number>()
  const runs: string[] = []
  const cleanup = createCleanup({
    sweeps: [
      {
        name: 'tasks',
        run() {
          runs.push('tasks')
          return promise
        },
      },
      { name: 'orders', run: async () => runs.push('orders') },
    ],
    interval: INTERVAL,
    logger: { info() {} } as unknown as Logger,
  })
  cleanup.start()
  await settle()
  const stopped = cleanup.stop()
  resolve(5)
  await stopped
  await advance(INTERVAL)
  expect(runs).toEqual(['tasks'])
})
