import { describe, expect, test } from 'bun:test'
import { STATES, type TaskState } from './schema.ts'
import { backOff, channelOf, checkAction, type TaskAction } from './task.ts'

describe('what a user may do with a task', () => {
  const ACTIONS: TaskAction[] = ['cancel', 'retry', 'delete']
  const legal = new Set([
    'queued cancel',
    'running cancel',
    'succeeded delete',
    'failed retry',
    'failed delete',
    'cancelled retry',
    'cancelled delete',
  ])
  const pairs = STATES.flatMap((state) => ACTIONS.map((action) => [state, action] as [TaskState, TaskAction]))

  test.each(pairs)('a task that is %s: %s', (state, action) => {
    const check = () => checkAction({ id: 9, state }, action)
    if (legal.has(`${state} ${action}`)) return expect(check).not.toThrow()
    const allowed = ACTIONS.filter((other) => legal.has(`${state} ${other}`))
    expect(check).toThrow(
      expect.objectContaining({ code: 'task.illegal_action', status: 409, extensions: { allowed, current: state } }),
    )
  })
})

test.each([
  [1, 1],
  [2, 4],
  [3, 16],
])('after %i failed attempts, the next one starts in %i seconds and up to half as much more', (failures, least) => {
  for (let count = 0; count < 100; count++) {
    const delay = backOff(failures)
    expect(delay).toBeGreaterThanOrEqual(least)
    expect(delay).toBeLessThan(1.5 * least)
  }
})

test('the channel of a task names its owner and its id', () => {
  expect(channelOf({ owner: 'bob', id: 9 })).toBe('tasks.bob.9')
})
