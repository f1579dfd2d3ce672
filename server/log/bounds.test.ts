import { describe, expect, test } from 'bun:test'
import { gapAfter } from './bounds.ts'

describe('the gap after a cursor', () => {
  const log = { oldest: 5, head: 9, sharedThrough: 9 }

  test.each([4, 5, 9])('is none at position %p, when the next event is kept or still to come', (cursor) => {
    expect(gapAfter(cursor, log)).toBeUndefined()
  })

  test('is purged when the next event is older than the oldest that is kept', () => {
    expect(gapAfter(3, log)).toEqual({ from: 3, to: 4, reason: 'purged' })
  })

  test('is unknown beyond the head, and leads back to it', () => {
    expect(gapAfter(10, log)).toEqual({ from: 10, to: 9, reason: 'unknown' })
  })

  test('is lost up to the end of a hole', () => {
    expect(gapAfter(6, { ...log, hole: { to: 7 } })).toEqual({ from: 6, to: 7, reason: 'lost' })
  })
})
