import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import { type Cursor, positionOf } from './cursor.ts'
import type { Gap, StreamEvent } from './protocol.ts'
import { SharedStream } from './shared-stream.ts'
import { FakeEventSource, fakeBrowser, setHidden } from './testing/fake-browser.ts'

let restore: () => void
let tabs: SharedStream[]
let name: string
/** What the history has. */
let logged: StreamEvent[]
/** Queries of the requests for it. */
let asked: string[]
/** A response in place of the history. */
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
    const after = positionOf(url.searchParams.get('after') ?? undefined)
    const channels = url.searchParams.getAll('channel')
    const events = logged.filter(
      ({ position, channel }) => position > after && channels.some((one) => channel.startsWith(one.replace('.>', ''))),
    )
    return Response.json({
      events,
      cursor: `${logged.at(-1)?.position ?? after}-${FakeEventSource.epoch}`,
      more: false,
    })
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

/** Follows a channel, and records what arrives. */
function follow(tab: SharedStream, channel: string, after?: Cursor) {
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

/** Waits for messages between the tabs. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 3000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 3 s')
    await Bun.sleep(2)
  }
}

/** Lets locks that were released be given to the next. */
const settled = async () => {
  for (let count = 0; count < 30; count++) await Promise.resolve()
}

const opened = () => FakeEventSource.opened
const open = () => opened().filter(({ isClosed }) => !isClosed)

describe('one tab', () => {
  test('has one connection for all subscriptions, each of which gets its own channels', async () => {
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

  test('reads the events between the state that it shows and the connection, and holds new ones back meanwhile', async () => {
    const tab = openTab()
    follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 10 })
    logged = [event(7), event(8), event(9), event(10), event(11)]
    const late = follow(tab, 'orders.>', '7-a')
    FakeEventSource.newest.brings(11)
    FakeEventSource.newest.brings(12)
    expect(late.got).toEqual([])
    await until(() => late.got.length === 5)
    expect([late.got, opened().length]).toEqual([[8, 9, 10, 11, 12], 1])
  })

  test('leaves out the events that are part of the state it shows', async () => {
    const tab = openTab()
    follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 10 })
    const ahead = follow(tab, 'orders.>', '12-a')
    for (const position of [11, 12, 13]) FakeEventSource.newest.brings(position)
    await until(() => ahead.got.length > 0)
    expect([ahead.got, asked.length]).toEqual([[13], 1])
  })

  test('reports a gap to each subscription, except those that are past it', async () => {
    const tab = openTab()
    const behind = follow(tab, 'orders.>', '3-a')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 50 })
    const ahead = follow(tab, 'orders.>', '60-a')
    FakeEventSource.newest.lost({ from: 50, to: 55, reason: 'purged' })
    FakeEventSource.newest.brings(61)
    await until(() => ahead.got.length === 1)
    expect([behind.gaps.length, ahead.gaps.length, ahead.got]).toEqual([1, 0, [61]])
    await until(() => behind.got.length === 1)
  })

  test('that is reloaded resumes at its cursor', async () => {
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

  test('that is hidden follows nothing, if it wants so, and catches up when it is visible', async () => {
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

  test('with a cursor of another log gets a gap, and continues in this one', async () => {
    answerOf = (url) =>
      positionOf(url.searchParams.get('after') ?? undefined) > 10
        ? { gap: { from: 999, to: 10, reason: 'unknown' }, events: [], cursor: '10-a', more: false }
        : undefined
    const tab = openTab()
    follow(tab, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 10 })
    const lost = follow(tab, 'orders.>', '999-old')
    await until(() => lost.gaps.length === 1)
    FakeEventSource.newest.brings(11)
    await until(() => lost.got.length === 1)
    expect([lost.gaps, lost.got]).toEqual([[{ from: 999, to: 10, reason: 'unknown' }], [11]])
  })

  test('whose channels are refused recovers when it no longer follows them', async () => {
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

  test('continues for the other subscriptions when a listener throws', async () => {
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

  test('receives nothing after it has stopped', async () => {
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
  test('share one connection, of the first tab', async () => {
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

  test('have a connection for the channels of all, which keeps its cursor when they grow', async () => {
    const [first, second] = [openTab(), openTab()]
    follow(first, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 1 })
    FakeEventSource.newest.brings(2)
    const tasks = follow(second, 'tasks.>')
    await until(() => opened().length === 2)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('2-a')
    FakeEventSource.newest.connects({ head: 2 })
    FakeEventSource.newest.brings(3, 'tasks.1')
    await until(() => tasks.got.length === 1)
    expect(open()).toHaveLength(1)
  })

  test('lose and duplicate nothing when the leader closes: another resumes at the same cursor', async () => {
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
    expect(FakeEventSource.opened[before]?.query.get('lastEventId')).toBe('3-a')
    FakeEventSource.newest.connects({ head: 5 })
    // The last event of the old connection arrives again.
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

  test('no longer request the channels of a tab that has ended', async () => {
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

  test('lose nothing to a new leader that does not know the channels of all yet', async () => {
    const [first, second] = [openTab(), openTab()]
    follow(first, 'orders.>')
    const early = follow(second, 'tasks.>')
    await until(() => open()[0]?.query.getAll('channel').length === 2)
    FakeEventSource.newest.connects({ head: 1 })
    await until(() => second.state.name === 'live')
    // It opens after the others have reported their channels.
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

  test('start over together when the log was set back: positions are smaller, and none is taken for a duplicate', async () => {
    const [first, second] = [openTab(), openTab()]
    const one = follow(first, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 90 })
    const two = follow(second, 'orders.>')
    await until(() => second.state.name === 'live')
    FakeEventSource.newest.brings(91)
    await until(() => two.got.length === 1)
    FakeEventSource.epoch = 'b'
    FakeEventSource.newest.lost({ from: 91, to: 10, reason: 'unknown' })
    FakeEventSource.newest.brings(11)
    FakeEventSource.newest.brings(11)
    FakeEventSource.newest.brings(12)
    await until(() => two.got.length === 3)
    expect([one.got, two.got]).toEqual([
      [91, 11, 12],
      [91, 11, 12],
    ])
    expect([one.gaps.length, two.gaps.length]).toEqual([1, 1])
    const before = opened().length
    first.close()
    await until(() => opened().length > before)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('12-b')
  })

  test('share only with tabs of the same name', async () => {
    const other = new SharedStream({ name: `${name} other` })
    tabs.push(other)
    const tab = openTab()
    await until(() => tab.isLeader && other.isLeader)
  })

  test('learn the state of the connection when they open', async () => {
    const first = openTab()
    follow(first, 'orders.>')
    await until(() => opened().length === 1)
    FakeEventSource.newest.connects({ head: 4, instance: 'web-7' })
    const second = openTab()
    const seen: string[] = []
    const stop = second.onState((state) => seen.push(state.name))
    await until(() => second.state.name === 'live')
    expect([second.state, seen]).toEqual([
      { name: 'live', instance: 'web-7', transport: 'sse' },
      ['connecting', 'live'],
    ])
    stop()
    second.close()
    expect([second.state.name, seen.length]).toEqual(['closed', 2])
  })

  test('recover when the tab whose channels were refused ends, and keep the connection when another one ends', async () => {
    const [first, second, third] = [openTab(), openTab(), openTab()]
    follow(first, 'orders.>')
    follow(second, 'tasks.>')
    await until(() => open()[0]?.query.getAll('channel').length === 2)
    FakeEventSource.newest.connects({ head: 1 })
    answerOf = () => new Response('{"detail":"no"}', { status: 400 })
    follow(third, 'bad..x')
    await until(() => open()[0]?.query.getAll('channel').length === 3)
    FakeEventSource.newest.fails()
    await until(() => first.state.name === 'refused')
    third.close()
    await until(() => open()[0]?.query.getAll('channel').join() === 'orders.>,tasks.>')
    FakeEventSource.newest.connects({ head: 1 })
    const before = opened().length
    second.close()
    await settled()
    expect(opened()).toHaveLength(before)
  })

  test('have a connection each where the browser has no locks', async () => {
    Reflect.deleteProperty(globalThis.navigator, 'locks')
    const [first, second] = [openTab(), openTab()]
    const one = follow(first, 'orders.>')
    follow(second, 'orders.>')
    expect([first.isLeader, second.isLeader, open().length]).toEqual([true, true, 2])
    opened()[0]?.connects({ head: 1 })
    opened()[0]?.brings(2)
    expect([one.got, second.state.name]).toEqual([[2], 'connecting'])
  })
})
