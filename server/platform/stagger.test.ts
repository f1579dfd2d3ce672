import { expect, jest, test } from 'bun:test'
import { advance, settle, useFakeTime } from '../testing/fake-time.ts'
import { stagger } from './stagger.ts'

useFakeTime()

/** Starts it for this many items; `done` grows as they are handled. */
function start(count: number, duration: number) {
  // The clock has another origin than the start.
  jest.advanceTimersByTime(12_345)
  const items = Array.from({ length: count }, (_, index) => index)
  const done: number[] = []
  let hasEnded = false
  void stagger(items, duration, (item) => done.push(item)).then(() => {
    hasEnded = true
  })
  return { items, done, hasEnded: () => hasEnded }
}

test('handles each item once and in order, evenly over the duration', async () => {
  const { items, done, hasEnded } = start(1000, 200)
  await settle()
  expect(done.length).toBe(0)
  const counts: number[] = []
  for (let step = 0; step < 20; step++) {
    await advance(10)
    counts.push(done.length)
  }
  expect(counts).toEqual(Array.from({ length: 20 }, (_, step) => 50 * (step + 1)))
  expect(done).toEqual(items)
  expect(hasEnded()).toBe(true)
})

test('takes half a millisecond an item when that is less than the duration', async () => {
  const { done, hasEnded } = start(200, 5000)
  await advance(50)
  expect(done.length).toBe(100)
  for (let step = 0; step < 4; step++) await advance(10)
  expect(hasEnded()).toBe(false)
  await advance(10)
  expect([done.length, hasEnded()]).toEqual([200, true])
})

test('handles what is due when timers are late, and never more than there is', async () => {
  const { items, done, hasEnded } = start(100, 50)
  await advance(1000)
  expect(done).toEqual(items)
  expect(hasEnded()).toBe(true)
})

test.each([
  [3, 0],
  [0, 1000],
])('handles %p items over %p ms at once', async (count, duration) => {
  const { items, done, hasEnded } = start(count, duration)
  await settle()
  expect(done).toEqual(items)
  expect(hasEnded()).toBe(true)
})
