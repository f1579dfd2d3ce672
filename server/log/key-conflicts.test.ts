import { describe, expect, test } from 'bun:test'
import { keyConflictsOf, requestsInConflict } from './key-conflicts.ts'

test('key conflicts are read from the detail of the Postgres error', () => {
  expect(keyConflictsOf({ code: 'SE001', detail: '3:0 5:1' })).toEqual([
    { event: 2, other: undefined },
    { event: 4, other: 0 },
  ])
  expect(keyConflictsOf({ code: '23514', detail: '3:0' })).toBeUndefined()
  expect(keyConflictsOf(new Error('other'))).toBeUndefined()
})

describe('the requests in conflict', () => {
  test('are those with an event that differs from the log, or from an earlier request', () => {
    const conflicts = [
      { event: 1, other: undefined },
      { event: 4, other: 3 },
    ]
    expect([...requestsInConflict(conflicts, [1, 2, 1, 1])]).toEqual([
      [1, 0],
      [3, 0],
    ])
  })

  test('include one that differs from itself, named by its first event in conflict', () => {
    const conflicts = [
      { event: 2, other: 1 },
      { event: 3, other: 1 },
    ]
    expect([...requestsInConflict(conflicts, [1, 3])]).toEqual([[1, 1]])
  })

  test('do not include one whose only conflict is with a request that is refused itself', () => {
    const conflicts = [
      { event: 1, other: undefined },
      { event: 2, other: 0 },
    ]
    expect([...requestsInConflict(conflicts, [2, 1])]).toEqual([[0, 1]])
  })

  test('are at least one when there is a conflict', () => {
    expect(requestsInConflict([{ event: 0, other: undefined }], [1]).size).toBe(1)
    expect(requestsInConflict([{ event: 1, other: 0 }], [1, 1]).size).toBe(1)
  })
})
