import { describe, expect, test } from 'bun:test'
import { createCapacity, type Demand } from './capacity.ts'

const demand = (more: Partial<Demand> = {}): Demand => ({
  connections: 0,
  isReplacement: false,
  indexSize: 0,
  growth: 3,
  ...more,
})

describe('the number of streams', () => {
  const capacity = createCapacity(2)

  test('is bounded by the setting', () => {
    expect(capacity.admits(demand({ connections: 1 }))).toBe(true)
    expect(capacity.admits(demand({ connections: 2 }))).toBe(false)
  })

  test('does not refuse a stream that replaces another one', () => {
    expect(capacity.admits(demand({ connections: 2, isReplacement: true }))).toBe(true)
  })
})

describe('the index of subscriptions', () => {
  const capacity = createCapacity(10)
  const room = (size: number) => demand({ indexSize: capacity.maxIndexSize - size })

  test('holds at least a million tokens and patterns, and 20 for each stream of a large instance', () => {
    expect(createCapacity(1).maxIndexSize).toBe(1_000_000)
    expect(createCapacity(50_000).maxIndexSize).toBe(1_000_000)
    expect(createCapacity(60_000).maxIndexSize).toBe(1_200_000)
  })

  test('takes a selection that just fits, and no larger one', () => {
    expect(capacity.admits({ ...room(50), growth: 50 })).toBe(true)
    expect(capacity.admits({ ...room(49), growth: 50 })).toBe(false)
  })

  test('takes selections of more than 50 tokens and patterns only into its first half', () => {
    const half = capacity.maxIndexSize / 2
    expect(capacity.admits(demand({ indexSize: half - 51, growth: 51 }))).toBe(true)
    expect(capacity.admits(demand({ indexSize: half - 50, growth: 51 }))).toBe(false)
    expect(capacity.admits(demand({ indexSize: half - 49, growth: 50 }))).toBe(true)
  })

  test('does not refuse a stream that joins an audience, however full it is', () => {
    expect(capacity.admits({ ...room(-10), growth: 0 })).toBe(true)
  })

  test('refuses a replacement that does not fit', () => {
    expect(capacity.admits({ ...room(2), isReplacement: true })).toBe(false)
  })
})
