import { expect, test } from 'bun:test'
import type { Logger } from '../platform/logger.ts'
import { until } from '../testing/until.ts'
import { Relay } from './relay.ts'

const NEVER = 2 ** 30

/** A relay over an outbox that returns these counts, or throws these errors, one a batch of `duration`; then nothing is left. */
function createRelay(batches: (number | null | Error)[], interval = 1, duration = 0) {
  const lines: string[] = []
  const idle = Promise.withResolvers<void>()
  /** When each batch was started. */
  const starts: number[] = []
  let moves = 0
  const relay = new Relay({
    log: {
      async relay() {
        starts.push(performance.now())
        await Bun.sleep(duration)
        const batch = batches.shift()
        if (batches.length === 0) idle.resolve()
        if (batch instanceof Error) throw batch
        return batch === undefined ? 0 : batch
      },
    },
    onMoved: () => moves++,
    interval,
    logger: { error: (_: object, message: string) => lines.push(message) } as unknown as Logger,
  })
  return {
    relay,
    lines,
    starts,
    moves: () => moves,
    async run() {
      relay.start()
      await idle.promise
      await relay.stop()
    },
  }
}

test('the relay moves batch after batch until one is empty, and reports each', async () => {
  const { relay, run, moves } = createRelay([500, 3, 0], NEVER)
  await run()
  expect([relay.moved, moves()]).toEqual([503, 2])
  expect(relay.idle).toBeGreaterThanOrEqual(0)
  expect(Number.isFinite(relay.idle)).toBe(true)
})

test('the relay continues at once after a full batch, and rests in proportion to its work after one that is not', async () => {
  const { run, starts } = createRelay([500, 500, 20, 0], NEVER, 20)
  await run()
  const [first, second, third, last] = starts as [number, number, number, number]
  expect(third - first).toBeLessThan(2 * (last - third))
  expect(second - first).toBeGreaterThanOrEqual(19)
  expect(last - third).toBeGreaterThanOrEqual(5 * 19)
})

test('the relay rests no longer than the poll interval', async () => {
  const { run, starts } = createRelay([20, 0], 1, 500)
  await run()
  const [first, last] = starts as [number, number]
  expect(last - first).toBeLessThan(4 * 500)
})

test('the relay that is stopped cuts its rest short, and moves what was committed before', async () => {
  const { relay, starts } = createRelay([20, 3], NEVER, 1000)
  relay.start()
  await until(
    'the first batch is moved',
    () => relay.moved,
    (moved) => moved === 20,
  )
  await relay.stop()
  const [first, last] = starts as [number, number]
  expect(relay.moved).toBe(23)
  expect(last - first).toBeLessThan(2 * 1000)
})

test.each([0, null])(
  'the relay reports nothing when a batch is %p: the outbox is empty, or another instance moves it',
  async (batch) => {
    const { relay, run, moves } = createRelay([batch], NEVER)
    await run()
    expect([relay.moved, relay.idle, moves()]).toEqual([0, Number.POSITIVE_INFINITY, 0])
  },
)

test('the relay keeps the reason of its failure, logs it once, and tries again after the poll interval', async () => {
  const refused = Object.assign(new Error('permission denied'), { code: '42501' })
  const { relay, run, lines } = createRelay([refused, refused])
  await run()
  expect(relay.problem).toBe('permission denied')
  expect(lines).toEqual(['the outbox can not be moved into the log'])
})

test('the relay has no problem after it has succeeded again', async () => {
  const { relay, run } = createRelay([new Error('for once'), 2, 0])
  await run()
  expect([relay.problem, relay.moved]).toEqual([undefined, 2])
})

test('the relay does not log that Postgres is unreachable, which the feed does', async () => {
  const { relay, run, lines } = createRelay([Object.assign(new Error('no connection'), { code: 'ECONNREFUSED' })])
  await run()
  expect([relay.problem, lines]).toEqual(['no connection', []])
})
