import { expect, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import { Turns } from './turns.ts'

/** Milliseconds that a piece of work takes: longer than a slice. */
const LONG = 6

const hold = () => {
  const end = performance.now() + LONG
  while (performance.now() < end);
}

test('the first piece of work in a turn is done at once', async () => {
  const turns = new Turns()
  expect(turns.enter()).toBeUndefined()
  await setImmediate()
  await setImmediate()
  expect(turns.enter()).toBeUndefined()
})

test('many callers at once are served in order, one slice of each turn', async () => {
  const turns = new Turns()
  let turn = 0
  const served: { n: number; turn: number }[] = []
  const caller = async (n: number) => {
    await turns.enter()
    // Its work may be some promises away.
    for (let depth = 0; depth < 5; depth++) await undefined
    hold()
    served.push({ n, turn })
  }
  // Within one turn, the first holds the loop for the others.
  expect(turns.enter()).toBeUndefined()
  hold()
  const all = Promise.all([1, 2, 3, 4].map(caller))
  while (served.length < 4) {
    await setImmediate()
    turn++
  }
  await all
  expect(served.map(({ n }) => n)).toEqual([1, 2, 3, 4])
  expect(new Set(served.map((each) => each.turn)).size).toBe(4)
})

test('nobody overtakes those who wait', async () => {
  const turns = new Turns()
  const order: string[] = []
  turns.enter()
  hold()
  const first = turns.enter()?.then(() => order.push('first'))
  const second = turns.enter()?.then(() => order.push('second'))
  await Promise.all([first, second])
  expect(order).toEqual(['first', 'second'])
})
