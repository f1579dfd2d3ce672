import { expect, test } from 'bun:test'
import { coalesce } from './coalesce.ts'

/** Runs that end when they are told to. */
function scene() {
  const runs: ReturnType<typeof Promise.withResolvers<number>>[] = []
  const ask = coalesce(() => {
    const run = Promise.withResolvers<number>()
    runs.push(run)
    return run.promise
  })
  return { runs, ask }
}

test('those who ask during a run share the next one, which begins when that has ended', async () => {
  const { runs, ask } = scene()
  const first = ask()
  const others = [ask(), ask(), ask()]
  expect(runs).toHaveLength(1)
  runs[0]?.resolve(1)
  expect(await first).toBe(1)
  while (runs.length < 2) await Promise.resolve()
  const later = ask()
  runs[1]?.resolve(2)
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  while (runs.length < 3) await Promise.resolve()
  runs[2]?.resolve(3)
  expect(await later).toBe(3)
})

test('a run that fails fails for those who asked for it, and for no others', async () => {
  const { runs, ask } = scene()
  const first = ask().catch((error: Error) => error.message)
  const second = ask()
  runs[0]?.reject(new Error('broken'))
  expect(await first).toBe('broken')
  while (runs.length < 2) await Promise.resolve()
  runs[1]?.resolve(2)
  expect(await second).toBe(2)
  void ask()
  expect(runs).toHaveLength(3)
})
