import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { Heartbeats } from './heartbeats.ts'

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

/** A check of `count` cursors, each of which has something to write if `isDue`. */
function watch(count: number, heartbeat: number, isDue = false) {
  const ticks: number[] = []
  const cursors = Array.from({ length: count }, (_, index) => ({
    tick: () => {
      ticks.push(index)
      return isDue
    },
  }))
  return { ticks, heartbeats: new Heartbeats({ heartbeat, cursors: () => cursors }) }
}

/** Lets promises continue. */
const settle = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

describe('the check of cursors', () => {
  test('comes twice a second', () => {
    const { ticks, heartbeats } = watch(1, 15_000)
    heartbeats.start()
    jest.advanceTimersByTime(499)
    expect(ticks).toHaveLength(0)
    jest.advanceTimersByTime(1)
    expect(ticks).toHaveLength(1)
    heartbeats.stop()
  })

  test('comes four times in a heartbeat that is shorter than two seconds', () => {
    const { ticks, heartbeats } = watch(1, 400)
    heartbeats.start()
    jest.advanceTimersByTime(99)
    expect(ticks).toHaveLength(0)
    jest.advanceTimersByTime(1)
    expect(ticks).toHaveLength(1)
    heartbeats.stop()
  })

  test('continues at every interval', async () => {
    const { ticks, heartbeats } = watch(3, 15_000)
    heartbeats.start()
    jest.advanceTimersByTime(500)
    await settle()
    jest.advanceTimersByTime(500)
    expect(ticks).toEqual([0, 1, 2, 0, 1, 2])
    heartbeats.stop()
  })

  test('runs once, however often it is started, and ends when it is stopped', async () => {
    const { ticks, heartbeats } = watch(1, 15_000)
    heartbeats.start()
    heartbeats.start()
    jest.advanceTimersByTime(500)
    await settle()
    expect(ticks).toHaveLength(1)
    heartbeats.stop()
    jest.advanceTimersByTime(5000)
    expect(ticks).toHaveLength(1)
    heartbeats.start()
    jest.advanceTimersByTime(500)
    expect(ticks).toHaveLength(2)
    heartbeats.stop()
  })

  test('yields to the event loop after 200 writes, and does not begin again meanwhile', async () => {
    const { ticks, heartbeats } = watch(450, 15_000, true)
    heartbeats.start()
    jest.advanceTimersByTime(500)
    expect(ticks).toHaveLength(200)
    jest.advanceTimersByTime(1)
    await settle()
    expect(ticks).toHaveLength(400)
    jest.advanceTimersByTime(1)
    await settle()
    expect(ticks).toEqual(Array.from({ length: 450 }, (_, index) => index))
    heartbeats.stop()
  })

  test('does not overlap with one that takes longer than the interval', async () => {
    const { ticks, heartbeats } = watch(1000, 4, true)
    heartbeats.start()
    for (let ms = 0; ms < 20; ms++) {
      jest.advanceTimersByTime(1)
      await settle()
    }
    heartbeats.stop()
    expect(ticks.length).toBeGreaterThan(2000)
    expect(ticks.every((cursor, index) => cursor === index % 1000)).toBe(true)
  })

  test('does not yield for cursors that have nothing to write', () => {
    const { ticks, heartbeats } = watch(1000, 15_000)
    heartbeats.start()
    jest.advanceTimersByTime(500)
    expect(ticks).toHaveLength(1000)
    heartbeats.stop()
  })
})
