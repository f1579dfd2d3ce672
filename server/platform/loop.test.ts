import { expect, test } from 'bun:test'
import { Loop } from './loop.ts'

const never = 1_000_000

test('the work is done at once, and again when it is woken', async () => {
  const calls: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()]
  let count = 0
  const loop = new Loop({ interval: never, work: async () => calls[count++]?.resolve(), onError: () => {} })
  loop.start()
  await calls[0]?.promise
  loop.wake()
  await calls[1]?.promise
  await loop.stop()
  expect(count).toBe(2)
})

test('being woken while it works means once more, never twice at once', async () => {
  let running = 0
  let most = 0
  let count = 0
  const third = Promise.withResolvers<void>()
  const loop: Loop = new Loop({
    interval: never,
    async work() {
      most = Math.max(most, ++running)
      if (++count < 3) for (let i = 0; i < 5; i++) loop.wake()
      else third.resolve()
      await Promise.resolve()
      running--
    },
    onError: () => {},
  })
  loop.start()
  await third.promise
  await loop.stop()
  expect([count, most]).toEqual([3, 1])
})

test('without being woken it works once an interval, also after an error', async () => {
  const errors: unknown[] = []
  const third = Promise.withResolvers<void>()
  let count = 0
  const loop = new Loop({
    interval: 1,
    async work() {
      if (++count === 3) third.resolve()
      throw new Error(String(count))
    },
    onError: (error) => errors.push(error),
  })
  loop.start()
  await third.promise
  await loop.stop()
  expect(errors.length).toBeGreaterThanOrEqual(2)
})

test('stopping waits for the work under way', async () => {
  const release = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let done = false
  const loop = new Loop({
    interval: never,
    async work() {
      begun.resolve()
      await release.promise
      done = true
    },
    onError: () => {},
  })
  loop.start()
  await begun.promise
  const stopped = loop.stop()
  release.resolve()
  await stopped
  expect(done).toBe(true)
})
