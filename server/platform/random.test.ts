import { expect, test } from 'bun:test'
import { createRandom } from './random.ts'

const take = (seed: number, count: number) => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random())
}

test('a seed repeats its numbers, and another one has others', () => {
  expect(take(42, 100)).toEqual(take(42, 100))
  expect(take(42, 1)).not.toEqual(take(43, 1))
})

test('the numbers are at least 0, below 1, and spread evenly', () => {
  const numbers = take(7, 10_000)
  for (const number of numbers) {
    expect(number).toBeGreaterThanOrEqual(0)
    expect(number).toBeLessThan(1)
  }
  for (let tenth = 0; tenth < 10; tenth++) {
    expect(numbers.filter((number) => Math.floor(10 * number) === tenth).length).toBeGreaterThan(800)
  }
})
