import { expect, test } from 'bun:test'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import { condense, summaryOf } from './history.ts'

const event = (type: string, position: number) => ({
  position,
  channel: 'tasks.bob.1',
  type: `task.${type}`,
  data: null,
  time: '2026-01-01T00:00:00.000Z',
})

test('of consecutive progress events only the last is shown', () => {
  const types = ['queued', 'running', 'progress', 'progress', 'queued', 'progress', 'succeeded']
  expect(condense(types.map(event)).map(({ position }) => position)).toEqual([0, 1, 3, 4, 5, 6])
})

test('a summary leaves out what is not known yet', () => {
  expect(summaryOf({ attempt: 0, progress: 0, step: '' } as Task)).toBe('')
  expect(summaryOf({ attempt: 2, progress: 39.6, step: 'Counting' } as Task)).toBe('attempt 2 · 40 % · Counting')
})
