import { expect, test } from 'bun:test'
import { nextTurn, Slice } from './turns.ts'

test('one caller a turn goes on, in their order, and timers come between them', async () => {
  const seen: string[] = []
  const timer = setInterval(() => seen.push('timer'), 1)
  await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      for (let round = 0; round < 3; round++) {
        await nextTurn()
        seen.push(name)
        // Longer than the timer's interval.
        Bun.sleepSync(3)
      }
    }),
  )
  clearInterval(timer)
  expect(seen.filter((name) => name !== 'timer').join('')).toBe('abcabcabc')
  for (const [index, name] of seen.entries()) expect([name, seen[index + 1]]).not.toEqual(['a', 'a'])
  expect(seen.filter((name) => name === 'timer').length).toBeGreaterThan(2)
})

test('a slice is over after some milliseconds', async () => {
  const slice = new Slice()
  while (!slice.isOver);
  await slice.next()
  while (!slice.isOver);
})
