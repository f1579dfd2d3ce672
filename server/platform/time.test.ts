import { afterEach, describe, expect, jest, spyOn, test } from 'bun:test'
import { advance, settle, useFakeTime } from '../testing/fake-time.ts'
import { DAY, HOUR, jittered, MINUTE, SECOND, sleep, withTimeout } from './time.ts'

useFakeTime()

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const mark = () => {
    settled = true
  }
  promise.then(mark, mark)
  await settle()
  return settled
}

test('durations are milliseconds', () => {
  expect([SECOND, MINUTE, HOUR, DAY]).toEqual([1000, 60_000, 3_600_000, 86_400_000])
})

describe('a sleep', () => {
  test('ends after its time', async () => {
    const sleeping = sleep(50)
    await advance(49)
    expect(await isSettled(sleeping)).toBe(false)
    await advance(1)
    expect(await isSettled(sleeping)).toBe(true)
  })

  test('of negative time ends at once', async () => {
    const sleeping = sleep(-5)
    await advance(1)
    expect(await isSettled(sleeping)).toBe(true)
  })

  test('ends when its signal aborts, and leaves no timer', async () => {
    const controller = new AbortController()
    const sleeping = sleep(50, controller.signal)
    expect(await isSettled(sleeping)).toBe(false)
    controller.abort()
    expect(await isSettled(sleeping)).toBe(true)
    expect(jest.getTimerCount()).toBe(0)
  })

  test('does not begin when its signal has aborted', async () => {
    expect(await isSettled(sleep(50, AbortSignal.abort()))).toBe(true)
    expect(jest.getTimerCount()).toBe(0)
  })

  test('leaves no listener on its signal', async () => {
    const { signal } = new AbortController()
    const [add, remove] = [spyOn(signal, 'addEventListener'), spyOn(signal, 'removeEventListener')]
    const sleeping = sleep(50, signal)
    await advance(50)
    await sleeping
    expect(remove.mock.calls.map(([type, listener]) => [type, listener])).toEqual(
      add.mock.calls.map(([type, listener]) => [type, listener]),
    )
  })
})

describe('a jittered time', () => {
  afterEach(() => {
    jest.restoreAllMocks()
  })

  test.each([
    [0, 2000],
    [0.5, 3000],
    [0.9999, 4000],
    [0.0001, 2000],
  ])('for the random number %p between once and twice 2000 ms is %p', (random, expected) => {
    spyOn(Math, 'random').mockReturnValue(random)
    expect(jittered(2000)).toBe(expected)
  })
})

describe('a promise with a timeout', () => {
  const error = () => new Error('too late')

  test('gives its result, and leaves no timer', async () => {
    expect(await withTimeout(Promise.resolve('result'), 50, error)).toBe('result')
    expect(jest.getTimerCount()).toBe(0)
  })

  test('gives its own error, and leaves no timer', async () => {
    const failure = await withTimeout(Promise.reject(new Error('own')), 50, error).catch((caught) => caught)
    expect(failure).toEqual(new Error('own'))
    expect(jest.getTimerCount()).toBe(0)
  })

  test('rejects when it takes longer', async () => {
    const failure = withTimeout(new Promise(() => {}), 50, error).catch((caught) => caught)
    await advance(49)
    expect(await isSettled(failure)).toBe(false)
    await advance(1)
    expect(await failure).toEqual(new Error('too late'))
  })
})
