import { describe, expect, test } from 'bun:test'
import type { LogCursor } from '../protocol/cursor.ts'
import { type Bounds, gapAfter, LogBounds, loadBounds } from './bounds.ts'

const BOUNDS: Bounds = { oldest: 5, head: 9, epoch: 'b', isCurrent: true, sharedThrough: 9 }

describe('the gap after a cursor', () => {
  test.each([4, 5, 9])('is none at position %p, when the next event is kept or still to come', (position) => {
    expect(gapAfter(position, BOUNDS)).toBeUndefined()
  })

  test('is purged when the next event is older than the oldest that is kept', () => {
    expect(gapAfter(3, BOUNDS)).toEqual({ from: 3, to: 4, reason: 'purged' })
  })

  test('is unknown beyond the head, and leads back to it', () => {
    expect(gapAfter(10, BOUNDS)).toEqual({ from: 10, to: 9, reason: 'unknown' })
  })

  test('is unknown beyond what its epoch shares with the log, and none up to there', () => {
    expect(gapAfter(8, { ...BOUNDS, sharedThrough: 7 })).toEqual({ from: 8, to: 9, reason: 'unknown' })
    expect(gapAfter(7, { ...BOUNDS, sharedThrough: 7 })).toBeUndefined()
  })

  test('is unknown at every position of an epoch that is not known', () => {
    expect(gapAfter(0, { ...BOUNDS, sharedThrough: null })).toEqual({ from: 0, to: 9, reason: 'unknown' })
  })

  test('is lost up to the end of a hole', () => {
    expect(gapAfter(6, { ...BOUNDS, hole: { to: 7 } })).toEqual({ from: 6, to: 7, reason: 'lost' })
  })
})

/** A log whose earlier epoch `a` is shared up to 7, and the epochs for which it was queried. */
function createLog(more: Partial<Bounds> = {}) {
  const asked: (string | null)[] = []
  const shared: Record<string, number> = { a: 7, b: 9 }
  const read = async (epoch: string | null = null) => {
    asked.push(epoch)
    return { ...BOUNDS, sharedThrough: shared[epoch ?? 'b'] ?? null, ...more }
  }
  return { asked, read }
}

describe('whether a cursor is of the log', () => {
  const of = (position: number, epoch: string | null): LogCursor => ({ position, epoch })

  test('is known without a query up to the head that the feed has seen', async () => {
    const { asked, read } = createLog()
    const bounds = new LogBounds(read, BOUNDS)
    expect(await bounds.gapFor(of(9, 'b'))).toBeUndefined()
    expect(await bounds.gapFor(of(9, null))).toBeUndefined()
    expect(asked).toEqual([])
  })

  test('is queried once for each earlier epoch', async () => {
    const { asked, read } = createLog()
    const bounds = new LogBounds(read, BOUNDS)
    expect(await bounds.gapFor(of(7, 'a'))).toBeUndefined()
    expect(await bounds.gapFor(of(6, 'a'))).toBeUndefined()
    expect(asked).toEqual(['a'])
    expect(await bounds.gapFor(of(8, 'a'))).toEqual({ from: 8, to: 9, reason: 'unknown' })
  })

  test('is queried again for an earlier epoch when the present one has changed', async () => {
    const { asked, read } = createLog()
    const bounds = new LogBounds(read, BOUNDS)
    await bounds.gapFor(of(7, 'a'))
    bounds.observe({ ...BOUNDS, epoch: 'c' })
    await expect(bounds.gapFor(of(7, 'a'))).rejects.toMatchObject({ code: 'database.unavailable' })
    expect(asked).toEqual(['a', 'a'])
  })

  test('is false for an unknown epoch, and the result is not cached', async () => {
    const { asked, read } = createLog()
    const bounds = new LogBounds(read, BOUNDS)
    for (let times = 0; times < 2; times++) {
      expect(await bounds.gapFor(of(1, 'x'))).toEqual({ from: 1, to: 9, reason: 'unknown' })
    }
    expect(asked).toEqual(['x', 'x'])
  })

  test('is no concern of retention', async () => {
    const { read } = createLog()
    expect(await new LogBounds(read, { ...BOUNDS, head: 0 }).gapFor(of(1, 'b'))).toBeUndefined()
  })

  test('can not be said while the log has an epoch that the feed has not seen, or is about to get one', async () => {
    for (const more of [{ epoch: 'c' }, { isCurrent: false }]) {
      let wakes = 0
      const bounds = new LogBounds(createLog(more).read, BOUNDS, () => wakes++)
      await expect(bounds.gapFor(of(10, 'b'))).rejects.toMatchObject({ code: 'database.unavailable', status: 503 })
      await expect(bounds.refreshOldest()).rejects.toMatchObject({ code: 'database.unavailable' })
      // The feed is to read at once, and not at its next poll.
      expect(wakes).toBe(2)
    }
  })
})

test('a log that runs elsewhere than its epoch started gets another one before the bounds are loaded', async () => {
  let isCurrent = false
  const bounds = await loadBounds({
    bounds: async () => ({ ...BOUNDS, isCurrent, epoch: isCurrent ? 'c' : 'b' }),
    async renewEpoch() {
      isCurrent = true
    },
  })
  expect(bounds.current.epoch).toBe('c')
})
