import { describe, expect, jest, test } from 'bun:test'
import { Lifecycle, type Part, together, withLifecycle } from './lifecycle.ts'
import type { Logger } from './logger.ts'

/** A lifecycle whose log, and the calls of whose parts, are recorded. */
function scene() {
  const calls: string[] = []
  const log: { level: string; part: unknown }[] = []
  const entry = (level: string) => (fields: { part: unknown }) => log.push({ level, part: fields.part })
  const logger = { error: entry('error'), warn: entry('warn') } as unknown as Logger
  const part = (name: string, faults: { start?: Error; stop?: Error } = {}): Part => ({
    start() {
      calls.push(`start ${name}`)
      if (faults.start) throw faults.start
    },
    async stop() {
      calls.push(`stop ${name}`)
      await Promise.resolve()
      if (faults.stop) throw faults.stop
      calls.push(`stopped ${name}`)
    },
  })
  return { calls, log, logger, part, lifecycle: new Lifecycle(logger) }
}

const never = { stop: () => new Promise<void>(() => {}) }
const rejection = (promise: Promise<unknown>) => promise.then(() => undefined).catch((error) => error)

describe('a lifecycle', () => {
  test('stops its parts in reverse order, each when the one before it has stopped', async () => {
    const { calls, lifecycle, part } = scene()
    await lifecycle.start('a', part('a'))
    await lifecycle.start('b', part('b'))
    await lifecycle.stop()
    expect(calls).toEqual(['start a', 'start b', 'stop b', 'stopped b', 'stop a', 'stopped a'])
  })

  test('resolves a start when the part runs', async () => {
    const { lifecycle } = scene()
    const running = Promise.withResolvers<void>()
    let isStarted = false
    const start = lifecycle.start('slow', { start: () => running.promise }).then(() => {
      isStarted = true
    })
    await Bun.sleep(0)
    expect(isStarted).toBe(false)
    running.resolve()
    await start
  })

  test('calls parts that are class instances as methods', async () => {
    class Counter {
      #count = 0
      start() {
        this.#count++
      }
      stop() {
        this.#count++
      }
      get count() {
        return this.#count
      }
    }
    const { lifecycle } = scene()
    const [alone, grouped] = [new Counter(), new Counter()]
    await lifecycle.start('alone', alone)
    await lifecycle.start('group', together({ grouped }))
    await lifecycle.stop()
    expect([alone.count, grouped.count]).toEqual([2, 2])
  })

  test('accepts parts without a start or without a stop', async () => {
    const { calls, lifecycle, part } = scene()
    await lifecycle.start('a', part('a'))
    await lifecycle.start('empty', {})
    await lifecycle.stop()
    expect(calls).toContain('stopped a')
  })

  test('stops once, however often it is called', async () => {
    const { calls, lifecycle, part } = scene()
    await lifecycle.start('a', part('a'))
    await Promise.all([lifecycle.stop(), lifecycle.stop()])
    await lifecycle.stop()
    expect(calls).toEqual(['start a', 'stop a', 'stopped a'])
  })

  test('stops the other parts when one fails to stop, logs its name, and rejects with its error', async () => {
    const { calls, lifecycle, log, part } = scene()
    const broken = new Error('broken')
    await lifecycle.start('a', part('a'))
    await lifecycle.start('b', part('b', { stop: broken }))
    await lifecycle.start('c', part('c'))
    expect(await rejection(lifecycle.stop())).toBe(broken)
    expect(calls.filter((call) => call.startsWith('stopped'))).toEqual(['stopped c', 'stopped a'])
    expect(log).toEqual([{ level: 'error', part: 'b' }])
  })

  test('rejects with the errors of all parts when several fail to stop', async () => {
    const { lifecycle, part } = scene()
    const errors = [new Error('first'), new Error('second')] as const
    await lifecycle.start('a', part('a', { stop: errors[1] }))
    await lifecycle.start('b', part('b', { stop: errors[0] }))
    const error = await rejection(lifecycle.stop())
    expect(error).toBeInstanceOf(AggregateError)
    expect(error.errors).toEqual([...errors])
    expect(error.message).toBe('2 parts failed to stop')
  })

  test('continues without a part that does not stop in time, and logs its name', async () => {
    const { calls, lifecycle, log, part } = scene()
    await lifecycle.start('a', part('a'))
    await lifecycle.start('stuck', never, { stopTimeout: 1 })
    await lifecycle.stop()
    expect(calls).toContain('stopped a')
    expect(log).toEqual([{ level: 'warn', part: 'stuck' }])
  })

  test('does not wait for the timeout of a part that has stopped, and leaves no timer', async () => {
    const { lifecycle, log, part } = scene()
    jest.useFakeTimers()
    await lifecycle.start('a', part('a'), { stopTimeout: 60_000 })
    await lifecycle.stop()
    expect([log, jest.getTimerCount()]).toEqual([[], 0])
    jest.useRealTimers()
  })

  test('a timeout of one part holds for a whole lifecycle that is nested in it', async () => {
    const { calls, lifecycle, logger, part } = scene()
    const inner = new Lifecycle(logger)
    await lifecycle.start('outer', part('outer'))
    await lifecycle.start('inner', { stop: () => inner.stop() }, { stopTimeout: 1 })
    await inner.start('stuck', never)
    await inner.start('quick', part('quick'))
    await lifecycle.stop()
    expect(calls.slice(-4)).toEqual(['stop quick', 'stopped quick', 'stop outer', 'stopped outer'])
  })
})

describe('a part that is starting when the stop begins', () => {
  test('is notified by the signal, is stopped once it runs, and no other part starts', async () => {
    const { calls, lifecycle, part } = scene()
    const slow: Part = {
      start: (signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve())),
      stop: () => void calls.push('stop slow'),
    }
    await lifecycle.start('a', part('a'))
    const start = lifecycle.start('slow', slow)
    await lifecycle.stop()
    expect(await rejection(start)).toBe(lifecycle.signal.reason)
    expect(await rejection(lifecycle.start('b', part('b')))).toBe(lifecycle.signal.reason)
    expect(calls.toSorted()).toEqual(['start a', 'stop a', 'stop slow', 'stopped a'])
  })
})

describe('a start in several steps', () => {
  test('that is aborted stops the parts that were started, and rejects with the reason', async () => {
    const { calls, logger, part } = scene()
    const aborting = new AbortController()
    const reason = new Error('a signal')
    const start = withLifecycle(
      logger,
      async (lifecycle) => {
        await lifecycle.start('a', part('a'))
        aborting.abort(reason)
        await lifecycle.start('b', part('b'))
      },
      aborting.signal,
    )
    expect(await rejection(start)).toBe(reason)
    expect(calls).toEqual(['start a', 'stop a', 'stopped a'])
  })

  test('returns what the last step returns, and stops nothing', async () => {
    const { calls, logger, part } = scene()
    const result = await withLifecycle(logger, async (lifecycle) => {
      await lifecycle.start('a', part('a'))
      return 'running'
    })
    expect([result, calls]).toEqual(['running', ['start a']])
  })

  test('that fails stops the parts that were started, and not the one that failed', async () => {
    const { calls, logger, part } = scene()
    const taken = new Error('the port is taken')
    const start = withLifecycle(logger, async (lifecycle) => {
      await lifecycle.start('a', part('a'))
      await lifecycle.start('b', part('b', { start: taken }))
    })
    expect(await rejection(start)).toBe(taken)
    expect(calls).toEqual(['start a', 'start b', 'stop a', 'stopped a'])
  })

  test('that fails reports its own error, not that of a part which then fails to stop', async () => {
    const { log, logger, part } = scene()
    const taken = new Error('the port is taken')
    const start = withLifecycle(logger, async (lifecycle) => {
      await lifecycle.start('a', part('a', { stop: new Error('broken') }))
      throw taken
    })
    expect(await rejection(start)).toBe(taken)
    expect(log).toEqual([{ level: 'error', part: 'a' }])
  })
})

describe('parts that run together', () => {
  test('start in order and stop at the same time', async () => {
    const { calls, part } = scene()
    const group = together({ a: part('a'), b: part('b') })
    await group.start()
    await group.stop()
    expect(calls).toEqual(['start a', 'start b', 'stop a', 'stop b', 'stopped a', 'stopped b'])
  })

  test('all stop when one of them fails to', async () => {
    const { calls, part } = scene()
    const broken = new Error('broken')
    const group = together({ a: part('a', { stop: broken }), b: part('b') })
    await group.start()
    expect(await rejection(Promise.resolve(group.stop()))).toBe(broken)
    expect(calls).toContain('stopped b')
  })

  test('stop again when one of them fails to start', async () => {
    const { calls, part } = scene()
    const broken = new Error('broken')
    const group = together({
      a: part('a', { stop: new Error('other') }),
      b: part('b', { start: broken }),
      c: part('c'),
    })
    expect(await rejection(Promise.resolve(group.start()))).toBe(broken)
    expect(calls).toEqual(['start a', 'start b', 'stop a'])
  })
})
