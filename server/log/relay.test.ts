import { expect, test } from 'bun:test'
import type { Logger } from '../platform/logger.ts'
import { Relay } from './relay.ts'

const NEVER = 2 ** 30

/** A relay over an outbox that returns these counts, or throws these errors, one a batch; then nothing is left. */
function createRelay(batches: (number | null | Error)[], interval = 1) {
  const lines: string[] = []
  const idle = Promise.withResolvers<void>()
  let moves = 0
  const relay = new Relay({
    log: {
      async relay() {
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
    moves: () => moves,
    async run() {
      relay.start()
      await idle.promise
      await relay.stop()
    },
  }
}

test('the relay moves batch after batch without a pause until one is empty, and reports each', async () => {
  const { relay, run, moves } = createRelay([500, 3, 0], NEVER)
  await run()
  expect([relay.moved, moves()]).toEqual([503, 2])
  expect(relay.idle).toBeGreaterThanOrEqual(0)
  expect(Number.isFinite(relay.idle)).toBe(true)
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
