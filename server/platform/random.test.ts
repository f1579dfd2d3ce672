import { expect, test } from 'bun:test'
import { createRandom } from './random.ts'

const take = (seed: number, count: number) => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random())
}

test('the numbers are those of mulberry32', () => {
  expect(take(0, 3)).toEqual([0.26642920868471265, 0.0003297457005828619, 0.2232720274478197])
  expect(take(1, 2)).toEqual([0.6270739405881613, 0.002735721180215478])
})

test('a seed repeats its numbers, and another one has others', () => {
  expect(take(42, 100)).toEqual(take(42, 100))
  expect(take(42, 1)).not.toEqual(take(43, 1))
})

test('a seed counts modulo 2^32', () => {
  expect(take(-1, 3)).toEqual(take(2 ** 32 - 1, 3))
})

test('the numbers are at least 0 and below 1', () => {
  for (const number of take(7, 10_000)) {
    expect(number).toBeGreaterThanOrEqual(0)
    expect(number).toBeLessThan(1)
  }
})
