import { expect, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import { SlicedWork } from './sliced-work.ts'

/** Milliseconds that a job takes: longer than a slice. */
const LONG = 6

const hold = () => {
  const end = performance.now() + LONG
  while (performance.now() < end);
}

test('a little work is done at once', () => {
  const work = new SlicedWork()
  const done: number[] = []
  work.add([1, 2, 3].map((n) => () => done.push(n)))
  expect(done).toEqual([1, 2, 3])
})

test('much work leaves turns of the event loop to others, and stays in order', async () => {
  const work = new SlicedWork()
  const done: number[] = []
  const add = (numbers: number[]) =>
    work.add(
      numbers.map((n) => () => {
        hold()
        done.push(n)
      }),
    )
  add([1, 2, 3, 4, 5])
  expect(done).toEqual([1])
  add([6])
  let turns = 0
  while (done.length < 6) {
    await setImmediate()
    turns++
  }
  expect(done).toEqual([1, 2, 3, 4, 5, 6])
  expect(turns).toBeGreaterThanOrEqual(5)
})

test('work that is added by work comes after it', () => {
  const work = new SlicedWork()
  const done: string[] = []
  work.add([() => work.add([() => done.push('inner')]), () => done.push('outer')])
  expect(done).toEqual(['outer', 'inner'])
})
