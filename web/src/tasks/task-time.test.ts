import { expect, test } from 'bun:test'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import { taskTime } from './task-time.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')
const at = (minute: number) => new Date(NOW + (minute - 10) * 60_000).toISOString()
const task = (change: Partial<Task>) =>
  ({ createdAt: at(0), startedAt: null, endedAt: null, nextAttemptAt: null, ...change }) as Task

test('a task shows how long it waits, runs, took, or when it is retried', () => {
  expect(taskTime(task({}), NOW)).toBe('waiting for 10 min')
  expect(taskTime(task({ startedAt: at(4) }), NOW)).toBe('running for 6 min')
  expect(taskTime(task({ startedAt: at(4), endedAt: at(7) }), NOW)).toBe('took 3 min')
  expect(taskTime(task({ startedAt: at(4), nextAttemptAt: at(11) }), NOW)).toBe('retry in 1 min')
})

test('a task that ended before it was started took no time', () => {
  expect(taskTime(task({ endedAt: at(7) }), NOW)).toBe('took 0 s')
})
