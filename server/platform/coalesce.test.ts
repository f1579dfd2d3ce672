import { expect, test } from 'bun:test'
import { settle } from '../testing/fake-time.ts'
import { coalesce, coalesceBy } from './coalesce.ts'

/** Runs that end when the test resolves them. */
function scene() {
  const runs: PromiseWithResolvers<number>[] = []
  const call = coalesce(() => {
    const run = Promise.withResolvers<number>()
    runs.push(run)
    return run.promise
  })
  return { runs, call }
}

test('callers during a run share the next one, which begins when that has ended', async () => {
  const { runs, call } = scene()
  const first = call()
  const others = [call(), call(), call()]
  await settle()
  expect(runs).toHaveLength(1)
  runs[0]?.resolve(1)
  expect(await first).toBe(1)
  await settle()
  const later = call()
  await settle()
  expect(runs).toHaveLength(2)
  runs[1]?.resolve(2)
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  await settle()
  runs[2]?.resolve(3)
  expect(await later).toBe(3)
})

test('a caller between two runs, when the next one has not begun yet, shares that', async () => {
  const { runs, call } = scene()
  let third: Promise<number> | undefined
  // The first reaction to the end of the run, before that of the next one.
  void call().then(() => {
    third = call()
  })
  const second = call()
  runs[0]?.resolve(1)
  await settle()
  expect(runs).toHaveLength(2)
  runs[1]?.resolve(2)
  expect([await second, await third]).toEqual([2, 2])
})

test('a run that fails fails for those who called it, and for no others', async () => {
  const { runs, call } = scene()
  const first = call().catch((error: Error) => error.message)
  const second = call()
  runs[0]?.reject(new Error('broken'))
  expect(await first).toBe('broken')
  await settle()
  runs[1]?.resolve(2)
  expect(await second).toBe(2)
  void call()
  expect(runs).toHaveLength(3)
})

test('by key: callers share the runs of their key alone', async () => {
  const runs: { name: string; end: PromiseWithResolvers<string> }[] = []
  const call = coalesceBy(
    (name: string) => name.charAt(0),
    (name) => {
      const end = Promise.withResolvers<string>()
      runs.push({ name, end })
      return end.promise
    },
  )
  const names = () => runs.map(({ name }) => name)
  const calls = [call('a1'), call('a2'), call('b1'), call('a3')]
  await settle()
  expect(names()).toEqual(['a1', 'b1'])
  runs[1]?.end.resolve('b')
  expect(await calls[2]).toBe('b')
  runs[0]?.end.reject(new Error('failed'))
  await expect(calls[0]).rejects.toThrow('failed')
  await settle()
  expect(names()).toHaveLength(3)
  runs[2]?.end.resolve('a')
  expect(await Promise.all([calls[1], calls[3]])).toEqual(['a', 'a'])
  // No caller waits: the next one does not get a function that holds the argument of the first.
  void call('a4')
  await settle()
  expect(names().at(-1)).toBe('a4')
})
