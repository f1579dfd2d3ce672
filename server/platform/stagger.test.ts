import { expect, test } from 'bun:test'
import { atEvenPace } from './stagger.ts'

test('each comes once and in order, over the time and not at once', async () => {
  const items = Array.from({ length: 200 }, (_, index) => index)
  const done: number[] = []
  const atOnce: number[] = []
  let inThisTurn = 0
  const turns = setInterval(() => {
    atOnce.push(inThisTurn)
    inThisTurn = 0
  }, 20)
  await atEvenPace(items, 200, (item) => {
    done.push(item)
    inThisTurn++
  })
  clearInterval(turns)
  expect(done).toEqual(items)
  expect(atOnce.filter((count) => count > 0).length).toBeGreaterThan(2)
})

test('without any time, or without any item, it ends at once', async () => {
  const done: number[] = []
  await atEvenPace([1, 2, 3], 0, (item) => done.push(item))
  await atEvenPace([], 1000, () => done.push(0))
  expect(done).toEqual([1, 2, 3])
})
