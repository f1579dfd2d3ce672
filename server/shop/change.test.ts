import { expect, test } from 'bun:test'
import { deletedState } from './change.ts'

test('the state of a deletion is newer than the last one', () => {
  const row = { id: 1, version: 4, status: 'pending' }
  expect(deletedState(row)).toEqual({ id: 1, version: 5, status: 'pending' })
  expect(row.version).toBe(4)
})
