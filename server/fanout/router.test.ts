import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import type { RecentEvent } from './recent-events.ts'
import { Router } from './router.ts'

const MIB = 2 ** 20

let time = 0
const clock = performance.now
beforeEach(() => {
  time = 0
  performance.now = () => time
})
afterEach(() => {
  performance.now = clock
})

const event = (position: number, channel = 'a', bytes = 10): RecentEvent => ({
  position,
  channel,
  type: 't',
  data: '',
  time: new Date(0),
  origin: null,
  bytes,
  chunks: [],
})

/** Notes the positions that it is given. */
class Target {
  slice = 0
  readonly positions: number[] = []
  readonly #onAdd: () => void

  constructor(onAdd = () => {}) {
    this.#onAdd = onAdd
  }

  add({ position }: RecentEvent): void {
    this.positions.push(position)
    this.#onAdd()
  }
}

test('a router without events is at its position, and routes nothing', () => {
  const router = new Router(7, () => [])
  expect([router.position, router.isEmpty, router.pendingBytes]).toEqual([7, true, 0])
  expect(router.route()).toEqual([])
  expect(router.position).toBe(7)
})

test('events go to the targets of their channel, in order, and those that received some are returned', () => {
  const targets = { a: new Target(), b: new Target(), c: new Target() }
  const matching: Record<string, Target[]> = { a: [targets.a, targets.b], b: [targets.b], c: [targets.c], d: [] }
  const router = new Router<Target>(0, (channel) => matching[channel] ?? [])
  for (const [index, channel] of ['a', 'b', 'd', 'a'].entries()) router.push(event(index + 1, channel))
  expect([router.position, router.isEmpty, router.pendingBytes]).toEqual([0, false, 40])
  expect(router.route()).toEqual([targets.a, targets.b])
  expect([targets.a.positions, targets.b.positions, targets.c.positions]).toEqual([[1, 4], [1, 2, 4], []])
  expect([router.position, router.isEmpty, router.pendingBytes]).toEqual([4, true, 0])
})

test('a channel is looked up once in a slice, and again in the next', () => {
  const lookUps: string[] = []
  const router = new Router(0, (channel) => {
    lookUps.push(channel)
    return []
  })
  router.push(event(1, 'a'))
  router.push(event(2, 'a'))
  router.route()
  router.push(event(3, 'a'))
  router.route()
  expect(lookUps).toEqual(['a', 'a'])
})

describe('a slice', () => {
  test('ends after 32 MiB of copies: an event counts once for each target', () => {
    const two = [new Target(), new Target()]
    const router = new Router<Target>(0, () => two)
    for (let position = 1; position <= 6; position++) router.push(event(position, 'a', 8 * MIB))
    router.route()
    expect([router.position, router.pendingBytes]).toEqual([2, 32 * MIB])
    router.route()
    expect([router.position, router.isEmpty]).toEqual([4, false])
    router.route()
    expect([router.position, router.isEmpty]).toEqual([6, true])
    expect(two[0]?.positions).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('does not end for events that no target takes', () => {
    const router = new Router<Target>(0, () => [])
    for (let position = 1; position <= 6; position++) router.push(event(position, 'a', 32 * MIB))
    router.route()
    expect(router.position).toBe(6)
  })

  test('ends after 10 ms', () => {
    const router = new Router<Target>(0, () => [new Target(() => (time += 4))])
    for (let position = 1; position <= 5; position++) router.push(event(position, 'a'))
    router.route()
    expect(router.position).toBe(3)
    router.route()
    expect(router.position).toBe(5)
  })

  test('ends at 10 ms sharp, and routes at least one event', () => {
    const router = new Router<Target>(0, () => [new Target(() => (time += 10))])
    router.push(event(1))
    router.push(event(2))
    router.route()
    expect(router.position).toBe(1)
  })
})

test('after a reset it continues at the new position', () => {
  const router = new Router<Target>(5, () => [])
  router.reset(90)
  expect(router.position).toBe(90)
  router.push(event(91))
  router.route()
  expect(router.position).toBe(91)
})
