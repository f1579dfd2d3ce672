import { afterEach, describe, expect, jest, spyOn, test } from 'bun:test'
import { Slice, yieldToEventLoop } from './event-loop.ts'

/** Resolves in the next turn of the event loop. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('yielding to the event loop', () => {
  test('resumes one caller in each turn, in their order', async () => {
    const seen: string[] = []
    const work = ['a', 'b', 'c'].map(async (name) => {
      for (let round = 0; round < 3; round++) {
        await yieldToEventLoop()
        seen.push(name)
      }
    })
    const lengths: number[] = []
    while (seen.length < 9) {
      await turn()
      lengths.push(seen.length)
    }
    await Promise.all(work)
    expect(seen.join('')).toBe('abcabcabc')
    for (const [index, length] of lengths.entries()) expect(length - (lengths[index - 1] ?? 0)).toBeLessThanOrEqual(1)
  })

  test('does not resume before the turn has ended', async () => {
    let isResumed = false
    const resumed = yieldToEventLoop().then(() => {
      isResumed = true
    })
    for (let count = 0; count < 20; count++) await Promise.resolve()
    expect(isResumed).toBe(false)
    await resumed
  })

  test('serves one that comes when all others have been resumed', async () => {
    await yieldToEventLoop()
    await turn()
    await yieldToEventLoop()
  })
})

describe('a slice of work', () => {
  afterEach(() => {
    jest.restoreAllMocks()
  })

  /** A clock that only the test moves. */
  function clock(start: number) {
    let now = start
    spyOn(performance, 'now').mockImplementation(() => now)
    return (ms: number) => {
      now += ms
    }
  }

  test('is over after more than 5 ms', () => {
    const pass = clock(1000)
    const slice = new Slice()
    expect(slice.isOver).toBe(false)
    pass(5)
    expect(slice.isOver).toBe(false)
    pass(0.5)
    expect(slice.isOver).toBe(true)
  })

  test('begins again when the event loop has had its turn', async () => {
    const pass = clock(1000)
    const slice = new Slice()
    pass(10)
    let isResumed = false
    const resumed = slice.next().then(() => {
      isResumed = true
    })
    for (let count = 0; count < 20; count++) await Promise.resolve()
    expect(isResumed).toBe(false)
    pass(10)
    await resumed
    expect(slice.isOver).toBe(false)
    pass(6)
    expect(slice.isOver).toBe(true)
  })
})
