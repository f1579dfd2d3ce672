import { describe, expect, test } from 'bun:test'
import type { StreamEvent } from '../sse/protocol.ts'
import { applyEvents, type Effect, mergeIds, type Row } from './apply-events.ts'

interface Item extends Row {
  name: string
}

const item = (id: number, version = 1, name = 'a'): Item => ({ id, version, name })
const event = (effect: Effect<Item> | undefined): StreamEvent => ({
  position: 1,
  channel: 'a',
  type: 't',
  data: effect,
  time: '2026-11-21T10:00:00.000Z',
})

/** Applies effects to rows. @param options `floor` and `isWanted` as in the collection */
function apply(
  before: Item[],
  effects: (Effect<Item> | undefined)[],
  options: { floor?: number; isWanted?: (row: Item) => boolean } = {},
) {
  const rows: Record<number, Item> = Object.fromEntries(before.map((row) => [row.id, row]))
  const { added, removed, arrivals, isStale } = applyEvents(rows, effects.map(event), {
    effectOf: ({ data }) => data as Effect<Item> | undefined,
    isWanted: () => true,
    floor: 0,
    ...options,
  })
  const ids = mergeIds(
    before.map(({ id }) => id),
    { added, removed },
  )
  return { rows: Object.values(rows), ids, arrivals: arrivals.map(([, row]) => row), isStale }
}

describe('events of a collection', () => {
  test('add rows, the newest first', () => {
    const { ids, arrivals } = apply([item(5), item(3)], [{ put: item(6) }, { put: item(7) }])
    expect([ids, arrivals]).toEqual([
      [7, 6, 5, 3],
      [item(6), item(7)],
    ])
  })

  test('add a row in its place when it is not the newest', () => {
    expect(apply([item(5), item(3)], [{ put: item(4) }]).ids).toEqual([5, 4, 3])
  })

  test('replace a row by a newer version, and leave an older or equal one out', () => {
    const { rows, ids, arrivals } = apply(
      [item(5, 2)],
      [{ put: item(5, 3, 'b') }, { put: item(5, 3, 'c') }, { put: item(5, 1) }],
    )
    expect([rows, ids, arrivals]).toEqual([[item(5, 3, 'b')], [5], [item(5, 3, 'b')]])
  })

  test('remove rows', () => {
    const { rows, ids, arrivals } = apply([item(5), item(3)], [{ remove: 5 }, { remove: 9 }])
    expect([rows, ids, arrivals]).toEqual([[item(3)], [3], []])
  })

  test('remove a row that no longer belongs here', () => {
    const { ids, arrivals } = apply([item(5), item(3)], [{ put: item(5, 2, 'gone') }], {
      isWanted: ({ name }) => name !== 'gone',
    })
    expect([ids, arrivals]).toEqual([[3], []])
  })

  test('about an old version of a row that no longer belongs here do nothing', () => {
    const { ids } = apply([item(5, 3)], [{ put: item(5, 2, 'gone') }], { isWanted: ({ name }) => name !== 'gone' })
    expect(ids).toEqual([5])
  })

  test('keep a row that is removed and added again once, and one that is added and removed not at all', () => {
    expect(apply([item(5), item(3)], [{ remove: 5 }, { put: item(5, 2) }]).ids).toEqual([5, 3])
    expect(apply([item(3)], [{ put: item(5) }, { remove: 5 }]).ids).toEqual([3])
  })

  test('leave rows out that are older than what is shown, but change those that are here', () => {
    const { ids, rows } = apply([item(5), item(3)], [{ put: item(2) }, { put: item(3, 2, 'b') }, { put: item(4) }], {
      floor: 3,
    })
    expect(ids).toEqual([5, 4, 3])
    expect(rows.find(({ id }) => id === 3)?.name).toBe('b')
  })

  test('change several rows at once, unless they are as new', () => {
    const { rows, isStale } = apply(
      [item(5), item(3, 7)],
      [{ patch: { ids: [5, 3], change: { version: 7, name: 'b' } } }],
    )
    expect([rows, isStale]).toEqual([[item(3, 7), item(5, 7, 'b')], false])
  })

  test('make the collection stale when they change a row that is not here', () => {
    const { rows, isStale } = apply(
      [item(5)],
      [{ patch: { ids: [4, 5], change: { version: 2, name: 'b' } } }, undefined],
    )
    expect([rows, isStale]).toEqual([[item(5, 2, 'b')], true])
  })

  test('without an effect change nothing', () => {
    expect(apply([item(5)], [undefined, {}])).toEqual({ rows: [item(5)], ids: [5], arrivals: [], isStale: false })
  })
})
