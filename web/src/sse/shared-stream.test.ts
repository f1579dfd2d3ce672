import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import type { Gap, StreamEvent } from './protocol.ts'
import { SharedStream } from './shared-stream.ts'
import { FakeEventSource, fakeBrowser, setHidden } from './testing/fake-browser.ts'

let restore: () => void
let tabs: SharedStream[]
let name: string
/** What the history has. */
let logged: StreamEvent[]
/** Where it was asked for. */
let asked: string[]
/** An answer instead of the history. */
let answerOf: (url: URL) => object | undefined

beforeEach(() => {
  logged = []
  asked = []
  answerOf = () => undefined
  tabs = []
  name = crypto.randomUUID()
  restore = fakeBrowser((url) => {
    asked.push(url.search)
    const instead = answerOf(url)
    if (instead instanceof Response) return instead
    if (instead) return Response.json(instead)
    const after = Number(url.searchParams.get('after'))
    const channels = url.searchParams.getAll('channel')
    const events = logged.filter(
      ({ position, channel }) => position > after && channels.some((one) => channel.startsWith(one.replace('.>', ''))),
    )
    return Response.json({ events, cursor: logged.at(-1)?.position ?? after, more: false })
  })
})
afterEach(() => {
  for (const tab of tabs) tab.close()
  restore()
})

const event = (position: number, channel = 'orders.1'): StreamEvent => ({
  position,
  channel,
  type: 't',
  data: null,
  time: '2026-11-21T10:00:00.000Z',
})

function openTab(): SharedStream {
  const tab = new SharedStream({ name })
  tabs.push(tab)
  return tab
}

/** What a subscription got. */
function follow(tab: SharedStream, channel: string, after?: number) {
  const got: number[] = []
  const gaps: Gap[] = []
  const stop = tab.follow({
    channels: [channel],
    after,
    onEvent: ({ position }) => got.push(position),
    onGap: (gap) => gaps.push(gap),
  })
  return { got, gaps, stop }
}

/** Waits for what the tabs have to say to each other. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 3000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not happen')
    await Bun.sleep(2)
  }
}

const opened = () => FakeEventSource.opened
const open = () => opened().filter(({ isClosed }) => !isClosed)

describe('one tab', () => {
  test('has one connection for all that follow, each of which gets its own channels', async () => {
    const tab = openTab()
    const orders = follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 3 })
    const tasks = follow(tab, 'tasks.>')
    await until(() => opened().length === 2)
    expect(FakeEventSource.newest.query.getAll('channel')).toEqual(['orders.>', 'tasks.>'])
    FakeEventSource.newest.connects({ head: 3 })
    FakeEventSource.newest.brings(4, 'orders.1')
    FakeEventSource.newest.brings(5, 'tasks.1')
    expect([orders.got, tasks.got, open().length]).toEqual([[4], [5], 1])
  })

  test('reads what lies between the state that it shows and the connection, while what comes meanwhile waits', async () => {
    const tab = openTab()
    follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 10 })
    logged = [event(7), event(8), event(9), event(10), event(11)]
    const late = follow(tab, 'orders.>', 7)
    FakeEventSource.newest.brings(11)
    FakeEventSource.newest.brings(12)
    expect(late.got).toEqual([])
    await until(() => late.got.length === 5)
    expect([late.got, opened().length]).toEqual([[8, 9, 10, 11, 12], 1])
  })

  test('leaves out what the state that it shows has already', async () => {
    const tab = openTab()
    follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 10 })
    const ahead = follow(tab, 'orders.>', 12)
    for (const position of [11, 12, 13]) FakeEventSource.newest.brings(position)
    await until(() => ahead.got.length > 0)
    expect([ahead.got, asked.length]).toEqual([[13], 1])
  })

  test('tells each that follows of a gap, but for those who are behind it already', async () => {
    const tab = openTab()
    const behind = follow(tab, 'orders.>', 3)
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 50 })
    const ahead = follow(tab, 'orders.>', 60)
    FakeEventSource.newest.lost({ from: 50, to: 55, reason: 'purged' })
    FakeEventSource.newest.brings(61)
    await until(() => ahead.got.length === 1)
    expect([behind.gaps.length, ahead.gaps.length, ahead.got]).toEqual([1, 0, [61]])
    await until(() => behind.got.length === 1)
  })

  test('that is reloaded goes on where it was, with what came meanwhile', async () => {
    const before = openTab()
    const stop = before.follow({ channels: ['orders.>'], resume: 'orders', onEvent: () => {} })
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 1 })
    FakeEventSource.newest.brings(2)
    stop()
    before.close()
    logged = [event(3), event(4)]
    const got: number[] = []
    openTab().follow({ channels: ['orders.>'], resume: 'orders', onEvent: ({ position }) => got.push(position) })
    await until(() => opened().length === 2)
    FakeEventSource.newest.connects({ head: 4 })
    FakeEventSource.newest.brings(5)
    await until(() => got.length === 3)
    expect(got).toEqual([3, 4, 5])
  })

  test('that nobody sees follows nothing, if asked to, and catches up when it is seen', async () => {
    const tab = openTab()
    const got: number[] = []
    tab.follow({ channels: ['orders.>'], pauseWhenHidden: true, onEvent: ({ position }) => got.push(position) })
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 1 })
    FakeEventSource.newest.brings(2)
    setHidden(true)
    FakeEventSource.newest.brings(3)
    logged = [event(3), event(4)]
    expect(got).toEqual([2])
    FakeEventSource.newest.brings(4)
    setHidden(false)
    FakeEventSource.newest.brings(5)
    await until(() => got.length === 4)
    expect(got).toEqual([2, 3, 4, 5])
  })

  test('with a cursor of another log is told so, and goes on where this one is', async () => {
    answerOf = (url) =>
      Number(url.searchParams.get('after')) > 10
        ? { gap: { from: 999, to: 10, reason: 'unknown' }, events: [], cursor: 10, more: false }
        : undefined
    const tab = openTab()
    follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 10 })
    const lost = follow(tab, 'orders.>', 999)
    await until(() => lost.gaps.length === 1)
    FakeEventSource.newest.brings(11)
    await until(() => lost.got.length === 1)
    expect([lost.gaps, lost.got]).toEqual([[{ from: 999, to: 10, reason: 'unknown' }], [11]])
  })

  test('that asks for what is refused is healed when it no longer does', async () => {
    const tab = openTab()
    follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 1 })
    answerOf = () => new Response('{"detail":"no"}', { status: 400 })
    const { stop } = follow(tab, 'bad..x')
    await until(() => opened().length === 2)
    FakeEventSource.newest.fails()
    await until(() => tab.state.name === 'refused')
    stop()
    await until(() => opened().length === 3)
    expect(FakeEventSource.newest.query.getAll('channel')).toEqual(['orders.>'])
  })

  test('goes on for the others when one that follows throws', async () => {
    const tab = openTab()
    const reported: unknown[] = []
    const report = globalThis.reportError
    globalThis.reportError = (error) => reported.push(error)
    tab.follow({
      channels: ['orders.>'],
      onEvent() {
        throw new Error('broken')
      },
    })
    const other = follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 1 })
    FakeEventSource.newest.brings(2)
    globalThis.reportError = report
    expect([other.got, reported.length]).toEqual([[2], 1])
  })

  test('does not follow any more what was stopped', async () => {
    const tab = openTab()
    const { got, stop } = follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects()
    FakeEventSource.newest.brings(1)
    stop()
    FakeEventSource.newest.brings(2)
    expect(got).toEqual([1])
  })
})

describe('several tabs', () => {
  test('share one connection, of the tab that came first', async () => {
    const [first, second] = [openTab(), openTab()]
    const one = follow(first, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 1 })
    const two = follow(second, 'orders.>')
    await until(() => second.state.name === 'live')
    FakeEventSource.newest.brings(2)
    await until(() => two.got.length === 1)
    expect([one.got, two.got, opened().length]).toEqual([[2], [2], 1])
    expect([first.isLeader, second.isLeader]).toEqual([true, false])
  })

  test('the connection brings what any of them follows; the place is kept when that grows', async () => {
    const [first, second] = [openTab(), openTab()]
    follow(first, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 1 })
    FakeEventSource.newest.brings(2)
    const tasks = follow(second, 'tasks.>')
    await until(() => opened().length === 2)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('2')
    FakeEventSource.newest.connects({ head: 2 })
    FakeEventSource.newest.brings(3, 'tasks.1')
    await until(() => tasks.got.length === 1)
    expect(open()).toHaveLength(1)
  })

  test('when the one that leads closes, another goes on at the same position: nothing missing, nothing twice', async () => {
    const [first, second, third] = [openTab(), openTab(), openTab()]
    follow(first, 'orders.>')
    const two = follow(second, 'orders.>')
    const three = follow(third, 'tasks.>')
    await until(() => open()[0]?.query.getAll('channel').length === 2)
    FakeEventSource.newest.connects({ head: 1 })
    FakeEventSource.newest.brings(2)
    FakeEventSource.newest.brings(3, 'tasks.1')
    await until(() => two.got.length === 1 && three.got.length === 1)
    const before = opened().length
    first.close()
    await until(() => second.isLeader && opened().length > before)
    expect(FakeEventSource.opened[before]?.query.get('lastEventId')).toBe('3')
    FakeEventSource.newest.connects({ head: 5 })
    // What the old one had told already comes again.
    FakeEventSource.newest.brings(3, 'tasks.1')
    FakeEventSource.newest.brings(4)
    FakeEventSource.newest.brings(5, 'tasks.1')
    logged = [event(4), event(5, 'tasks.1')]
    await until(() => three.got.length === 2)
    await until(() => two.got.length === 2)
    expect([two.got, three.got]).toEqual([
      [2, 4],
      [3, 5],
    ])
    expect(open()).toHaveLength(1)
  })

  test('what a tab followed that is gone is asked for no more', async () => {
    const [first, second] = [openTab(), openTab()]
    follow(first, 'orders.>')
    follow(second, 'tasks.>')
    await until(() => open()[0]?.query.getAll('channel').length === 2)
    FakeEventSource.newest.connects({ head: 1 })
    second.close()
    // The lock is free in the next turn of the event loop.
    await setImmediate()
    follow(first, 'notifications.ida')
    await until(() => open()[0]?.query.getAll('channel').includes('notifications.ida') === true)
    expect(open()[0]?.query.getAll('channel').sort()).toEqual(['notifications.ida', 'orders.>'])
  })

  test('a new leader that does not know yet what all follow loses nothing for those', async () => {
    const [first, second] = [openTab(), openTab()]
    follow(first, 'orders.>')
    const early = follow(second, 'tasks.>')
    await until(() => open()[0]?.query.getAll('channel').length === 2)
    FakeEventSource.newest.connects({ head: 1 })
    await until(() => second.state.name === 'live')
    // It comes after the others have said what they follow.
    const third = openTab()
    follow(third, 'orders.>')
    await until(() => third.state.name === 'live')
    second.follow({ channels: ['tasks.>'], onEvent: () => {} })
    const before = opened().length
    first.close()
    await until(() => opened().length > before)
    logged = [event(2, 'tasks.1')]
    const connected = new Set<FakeEventSource>()
    await until(() => {
      const { newest } = FakeEventSource
      if (!connected.has(newest)) {
        connected.add(newest)
        newest.connects({ head: 2 })
        newest.brings(2, 'tasks.1')
      }
      return early.got.length > 0
    })
    logged = [event(3, 'tasks.1')]
    FakeEventSource.newest.brings(3, 'tasks.1')
    await until(() => early.got.length > 1)
    expect(early.got).toEqual([2, 3])
  })
})
