import { afterEach, beforeEach, describe, expect, spyOn, test } from 'bun:test'
import { type Closable, Drain } from './drain.ts'

/** Jitter adds between nothing and the time itself: here, nothing. */
let random: ReturnType<typeof spyOn>
beforeEach(() => {
  random = spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  random.mockRestore()
})

/** Streams that note how they are closed. */
function streams(count: number, isProxied = false) {
  const closed: [string, number | undefined][] = []
  const cursors: Closable[] = Array.from({ length: count }, () => ({
    isProxied,
    close: (reason, retry) => closed.push([reason, retry]),
  }))
  return { closed, cursors }
}

describe('a drain', () => {
  test('closes every stream once, as a shutdown', async () => {
    const { closed, cursors } = streams(3)
    await new Drain(2000).closeAll(cursors, 0)
    expect(closed).toEqual([
      ['shutdown', 76],
      ['shutdown', 76],
      ['shutdown', 76],
    ])
  })

  test('sends a reconnection time that grows with the number of streams', async () => {
    const { closed, cursors } = streams(1000)
    await new Drain(2000).closeAll(cursors, 0)
    expect(closed[0]).toEqual(['shutdown', 275])
  })

  test('sends at most the reconnection time of the setting', async () => {
    const { closed, cursors } = streams(1000)
    await new Drain(200).closeAll(cursors, 0)
    expect(closed[0]).toEqual(['shutdown', 200])
  })

  test('sends the reconnection time of the setting to clients behind a proxy', async () => {
    const { closed, cursors } = streams(2, true)
    await new Drain(2000).closeAll(cursors, 0)
    expect(closed[0]).toEqual(['shutdown', 2000])
  })

  test('gives each client a time of its own, up to twice as long', async () => {
    random.mockReturnValueOnce(0.5).mockReturnValueOnce(1)
    const { closed, cursors } = streams(500)
    await new Drain(2000).closeAll(cursors, 0)
    expect(closed.slice(0, 3).map(([, retry]) => retry)).toEqual([263, 350, 175])
  })

  test('gives clients that it refuses the time of the last drain', async () => {
    const drain = new Drain(2000)
    await drain.closeAll(streams(500).cursors, 0)
    expect([drain.retryFor(false), drain.retryFor(true)]).toEqual([175, 2000])
  })
})
