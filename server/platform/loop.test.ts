import { expect, test } from 'bun:test'
import { advance, settle, useFakeTime } from '../testing/fake-time.ts'
import { Loop } from './loop.ts'

useFakeTime()

const INTERVAL = 1000

/** A loop whose runs are counted, and end when they are released, or at once. */
function scene(options: { isHeld?: boolean; fails?: (run: number) => boolean } = {}) {
  const held: PromiseWithResolvers<void>[] = []
  const errors: unknown[] = []
  let runs = 0
  let running = 0
  let most = 0
  const loop = new Loop({
    interval: INTERVAL,
    async work() {
      runs++
      most = Math.max(most, ++running)
      if (options.isHeld) {
        const run = Promise.withResolvers<void>()
        held.push(run)
        await run.promise
      }
      running--
      if (options.fails?.(runs)) throw new Error(`run ${runs}`)
    },
    onError: (error) => errors.push(error),
  })
  return {
    loop,
    errors,
    runs: () => runs,
    most: () => most,
    async release() {
      held.shift()?.resolve()
      await settle()
    },
  }
}

test('works at once when it is started, and not before', async () => {
  const { loop, runs } = scene()
  await advance(INTERVAL)
  expect(runs()).toBe(0)
  loop.start()
  await settle()
  expect(runs()).toBe(1)
})

test('works again an interval after the work has ended, without being woken', async () => {
  const { loop, runs } = scene()
  loop.start()
  await advance(INTERVAL - 1)
  expect(runs()).toBe(1)
  await advance(1)
  expect(runs()).toBe(2)
  await advance(INTERVAL - 1)
  expect(runs()).toBe(2)
  await advance(1)
  expect(runs()).toBe(3)
})

test('counts the interval from the end of the work', async () => {
  const { loop, runs, release } = scene({ isHeld: true })
  loop.start()
  await advance(5 * INTERVAL)
  expect(runs()).toBe(1)
  await release()
  await advance(INTERVAL - 1)
  expect(runs()).toBe(1)
  await advance(1)
  expect(runs()).toBe(2)
})

test('works at once when it is woken, and then an interval later', async () => {
  const { loop, runs } = scene()
  loop.start()
  await advance(INTERVAL / 2)
  loop.wake()
  await settle()
  expect(runs()).toBe(2)
  await advance(INTERVAL - 1)
  expect(runs()).toBe(2)
  await advance(1)
  expect(runs()).toBe(3)
})

test('works once more when it is woken while it works, however often, and never twice at once', async () => {
  const { loop, runs, most, release } = scene({ isHeld: true })
  loop.start()
  await settle()
  for (let count = 0; count < 5; count++) loop.wake()
  await release()
  expect(runs()).toBe(2)
  await release()
  expect([runs(), most()]).toEqual([2, 1])
})

test('reports an error and works again after the interval, even when it is woken meanwhile', async () => {
  const { loop, runs, errors } = scene({ fails: (run) => run === 1 })
  loop.start()
  await settle()
  expect(errors).toEqual([new Error('run 1')])
  loop.wake()
  await advance(INTERVAL - 1)
  expect(runs()).toBe(1)
  await advance(1)
  expect([runs(), errors.length]).toEqual([2, 1])
})

test('works once at a time when it is started twice', async () => {
  const { loop, runs } = scene()
  loop.start()
  loop.start()
  await settle()
  expect(runs()).toBe(1)
})

test('stops while it waits for the interval', async () => {
  const { loop, runs } = scene()
  loop.start()
  await settle()
  await loop.stop()
  await advance(2 * INTERVAL)
  expect(runs()).toBe(1)
})

test('stops while it waits after an error', async () => {
  const { loop, runs } = scene({ fails: () => true })
  loop.start()
  await settle()
  await loop.stop()
  await advance(2 * INTERVAL)
  expect(runs()).toBe(1)
})

test('waits for the work under way when it is stopped, and begins no other', async () => {
  const { loop, runs, release } = scene({ isHeld: true })
  loop.start()
  await settle()
  let isStopped = false
  const stopped = loop.stop().then(() => {
    isStopped = true
  })
  loop.wake()
  await settle()
  expect(isStopped).toBe(false)
  await release()
  await stopped
  await advance(2 * INTERVAL)
  expect(runs()).toBe(1)
})

test('stops without having been started', async () => {
  const { loop, runs } = scene()
  await loop.stop()
  expect(runs()).toBe(0)
})
