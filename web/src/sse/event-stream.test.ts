import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { openEventStream } from './event-stream.ts'
import type { EventStream, EventStreamOptions } from './event-stream-options.ts'
import type { Gap, StreamState } from './protocol.ts'
import { FakeEventSource, fakeBrowser, type Respond, setOnline } from './testing/fake-browser.ts'

let restore: () => void
let stream: EventStream | undefined
let respond: Respond
let states: StreamState[]
let positions: number[]
let gaps: Gap[]

beforeEach(() => {
  respond = () => new Response(null, { status: 503 })
  restore = fakeBrowser((...request) => respond(...request))
  jest.useFakeTimers()
  states = []
  positions = []
  gaps = []
})
afterEach(() => {
  stream?.close()
  jest.useRealTimers()
  restore()
})

function open(options: Partial<EventStreamOptions> = {}): FakeEventSource {
  stream = openEventStream({
    channels: ['orders.>'],
    onState: (state) => states.push(state),
    onEvent: ({ position }) => positions.push(position),
    onGap: (gap) => gaps.push(gap),
    ...options,
  })
  return FakeEventSource.newest
}

const names = () => states.map(({ name }) => name)
/** Lets promises settle. */
const settle = async () => {
  for (let count = 0; count < 10; count++) await Promise.resolve()
}

describe('a stream', () => {
  test('requests its channels after its cursor, and without the events of the page itself', () => {
    const { query } = open({ channels: ['orders.>', 'tasks.*'], after: 7, clientId: 'page' })
    expect(Object.fromEntries(query)).toMatchObject({ lastEventId: '7', clientId: 'page', named: 'false' })
    expect(query.getAll('channel')).toEqual(['orders.>', 'tasks.*'])
  })

  test('is connecting, then live, and reports the instance', () => {
    open().connects({ head: 5, instance: 'web-1' })
    expect(states).toEqual([{ name: 'connecting' }, { name: 'live', instance: 'web-1', transport: 'sse' }])
    expect(stream?.cursor).toBe('5-a')
  })

  test('catches up until it is where the log was when it began', () => {
    const source = open({ after: '1-a' })
    source.connects({ head: 4 })
    source.brings(2)
    expect(names()).toEqual(['connecting', 'catching up'])
    source.beats(4)
    expect(names().at(-1)).toBe('live')
  })

  test('leaves out duplicates', () => {
    const source = open()
    source.connects({ head: 1 })
    for (const position of [2, 3, 3, 2, 4]) source.brings(position)
    expect(positions).toEqual([2, 3, 4])
  })

  test('reports a gap, and continues behind it', () => {
    const source = open({ after: '3-a' })
    source.connects({ head: 20 })
    source.lost({ from: 3, to: 10, reason: 'purged' })
    expect([gaps, stream?.cursor]).toEqual([[{ from: 3, to: 10, reason: 'purged' }], '10-a'])
  })

  test('of a log that was restored continues behind the gap, where positions are smaller', () => {
    const source = open({ after: '100-a' })
    FakeEventSource.epoch = 'b'
    source.lost({ from: 100, to: 10, reason: 'unknown' })
    source.brings(11)
    expect([positions, stream?.cursor]).toEqual([[11], '11-b'])
  })

  test('follows other channels from the same cursor', () => {
    const first = open()
    first.connects({ head: 5 })
    first.brings(6)
    stream?.follow(['tasks.>'])
    expect(first.isClosed).toBe(true)
    expect([FakeEventSource.newest.query.get('channel'), FakeEventSource.newest.query.get('lastEventId')]).toEqual([
      'tasks.>',
      '6-a',
    ])
  })
})

describe('a connection that', () => {
  test('breaks is left to the browser once; when that fails, the back-off begins', () => {
    const source = open()
    source.connects({ head: 3 })
    source.drops()
    expect(names().at(-1)).toBe('connecting')
    source.drops()
    expect([names().at(-1), source.isClosed]).toEqual(['waiting', true])
    jest.advanceTimersByTime(1001)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('3-a')
    FakeEventSource.newest.drops()
    expect(names().at(-1)).toBe('waiting')
  })

  test('breaks is left to the browser, which reconnects', () => {
    const source = open()
    source.connects()
    source.drops()
    expect(names().at(-1)).toBe('connecting')
    source.connects({ head: 1 })
    expect([names().at(-1), FakeEventSource.opened.length]).toEqual(['live', 1])
  })

  test('is closed by the server is opened again after the time that the server gives, at its cursor', () => {
    const source = open()
    source.connects({ head: 3 })
    source.isClosing('drain', 120, '5-a')
    expect([names().at(-1), source.isClosed, stream?.cursor]).toEqual(['waiting', true, '5-a'])
    jest.advanceTimersByTime(119)
    expect(FakeEventSource.opened).toHaveLength(1)
    jest.advanceTimersByTime(1)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('5-a')
  })

  test('is closed by a server that drains is attempted at the same short intervals, until the next server accepts it', () => {
    open().connects({ head: 3 })
    FakeEventSource.newest.isClosing('drain', 120, '3-a')
    for (let count = 2; count <= 8; count++) {
      jest.advanceTimersByTime(120)
      expect(FakeEventSource.opened).toHaveLength(count)
      FakeEventSource.newest.drops()
    }
    jest.advanceTimersByTime(120)
    FakeEventSource.newest.connects({ head: 3 })
    expect(names().at(-1)).toBe('live')
  })

  test('is refused by a full server is attempted no sooner than it says, and later each time', () => {
    open({ after: '2-a' })
    const waits: number[] = []
    for (let count = 0; count < 8; count++) {
      FakeEventSource.newest.isClosing('full', 6000, '2-a')
      const state = states.at(-1)
      if (state?.name !== 'waiting') throw new Error(`the state is ${state?.name}`)
      waits.push(Math.round(state.at - Date.now()))
      jest.advanceTimersByTime(state.at - Date.now() + 1)
    }
    expect(FakeEventSource.opened).toHaveLength(9)
    expect([waits[0], Math.min(...waits)]).toEqual([6000, 6000])
    expect(Math.max(...waits)).toBeGreaterThan(7000)
    expect(stream?.cursor).toBe('2-a')
  })

  test('goes silent is closed after two and a half heartbeats, and the next one begins at its cursor', () => {
    const source = open()
    source.connects({ head: 5 })
    source.brings(6)
    jest.advanceTimersByTime(2400)
    expect(source.isClosed).toBe(false)
    source.beats(6)
    jest.advanceTimersByTime(2400)
    expect(source.isClosed).toBe(false)
    jest.advanceTimersByTime(200)
    expect([source.isClosed, names().includes('waiting')]).toEqual([true, true])
    jest.advanceTimersByTime(1000)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('6-a')
  })

  test('can not be made is attempted later and later, at random times', async () => {
    open()
    const waits: number[] = []
    for (let count = 0; count < 12; count++) {
      FakeEventSource.newest.fails()
      await settle()
      const state = states.at(-1)
      if (state?.name !== 'waiting') throw new Error(`the state is ${state?.name}`)
      const wait = state.at - Date.now()
      waits.push(wait)
      jest.advanceTimersByTime(wait + 1)
    }
    expect(FakeEventSource.opened).toHaveLength(13)
    expect(Math.max(...waits.slice(0, 1))).toBeLessThanOrEqual(1000)
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000)
    expect(Math.max(...waits.slice(5))).toBeGreaterThan(1000)
    expect(new Set(waits).size).toBeGreaterThan(6)
  })

  test('is refused is not attempted again, and the reason is reported', async () => {
    respond = () => Response.json({ detail: 'The channel is not valid.' }, { status: 400 })
    open().fails()
    await settle()
    expect(states.at(-1)).toEqual({ name: 'refused', reason: 'The channel is not valid.' })
    jest.advanceTimersByTime(60_000)
    expect(FakeEventSource.opened).toHaveLength(1)
    stream?.follow(['orders.>'])
    expect(FakeEventSource.opened).toHaveLength(2)
  })

  test('is over, as status 204 says, is not attempted again', async () => {
    respond = () => new Response(null, { status: 204 })
    open().fails()
    await settle()
    jest.advanceTimersByTime(60_000)
    expect([names().at(-1), FakeEventSource.opened.length]).toEqual(['over', 1])
  })
})

describe('a browser without network', () => {
  test('waits for it, and connects at once when it is back', () => {
    const source = open()
    source.connects({ head: 3 })
    setOnline(false)
    expect([names().at(-1), source.isClosed]).toEqual(['offline', true])
    jest.advanceTimersByTime(60_000)
    expect(FakeEventSource.opened).toHaveLength(1)
    setOnline(true)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('3-a')
    FakeEventSource.newest.connects({ head: 3 })
    expect(names().at(-1)).toBe('live')
  })

  test('does not connect at first', () => {
    setOnline(false)
    stream = openEventStream({ channels: ['a'], onState: (state) => states.push(state) })
    expect([names(), FakeEventSource.opened.length]).toEqual([['offline'], 0])
  })
})

test('a stream that was closed stays closed, whatever happens', async () => {
  const source = open()
  source.connects()
  stream?.close()
  source.fails()
  setOnline(false)
  setOnline(true)
  await settle()
  jest.advanceTimersByTime(60_000)
  expect([names().at(-1), FakeEventSource.opened.length]).toEqual(['closed', 1])
})

describe('the last event ID', () => {
  test('is sent back as the text that arrived, whatever its form', () => {
    const source = open()
    source.connects({ head: 5 })
    source.beats(7)
    stream?.follow(['orders.>'])
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('7-a')
    FakeEventSource.newest.onmessage?.(new MessageEvent('message', { data: '{"channel":"c"}', lastEventId: '8' }))
    stream?.follow(['orders.>'])
    expect([stream?.cursor, FakeEventSource.newest.query.get('lastEventId')]).toEqual(['8', '8'])
  })

  test('of a newer epoch is sent back, although its position is the same', () => {
    const source = open()
    source.connects({ head: 5 })
    FakeEventSource.epoch = 'b'
    source.beats(5)
    expect(stream?.cursor).toBe('5-b')
  })

  test('goes to the callbacks with what arrived', () => {
    const cursors: string[] = []
    const source = open({
      onReady: (cursor) => cursors.push(`ready ${cursor}`),
      onEvent: (_event, cursor) => cursors.push(`event ${cursor}`),
      onCursor: (cursor) => cursors.push(cursor),
      onGap: (_gap, cursor) => cursors.push(`gap ${cursor}`),
    })
    source.connects({ head: 5 })
    source.brings(6)
    source.beats(6)
    source.beats(7)
    source.lost({ from: 7, to: 9, reason: 'lost' })
    expect(cursors).toEqual(['5-a', 'ready 5-a', 'event 6-a', '7-a', 'gap 9-a', '9-a'])
  })
})

describe('a stream whose callback', () => {
  test('closes it is not opened again', () => {
    const source = open({ onEvent: () => stream?.close() })
    source.connects({ head: 5 })
    source.brings(6)
    jest.advanceTimersByTime(60_000)
    expect([names().at(-1), FakeEventSource.opened.length]).toEqual(['closed', 1])
  })

  test('changes its channels is connecting, and not live', () => {
    const source = open({ onEvent: () => stream?.follow(['tasks.>']) })
    source.connects({ head: 5 })
    source.brings(6)
    expect(names().at(-1)).toBe('connecting')
  })
})

describe('an attempt', () => {
  test('of the browser has ten seconds at least, whatever the heartbeat', () => {
    const source = open()
    source.connects({ head: 5 })
    source.drops()
    jest.advanceTimersByTime(9999)
    expect(source.isClosed).toBe(false)
    jest.advanceTimersByTime(1)
    expect([source.isClosed, names().at(-1)]).toEqual([true, 'waiting'])
  })

  test('that gets no response is given up after ten seconds', () => {
    const source = open({ transport: 'sse' })
    jest.advanceTimersByTime(9999)
    expect(source.isClosed).toBe(false)
    jest.advanceTimersByTime(1)
    expect([source.isClosed, names().at(-1)]).toEqual([true, 'waiting'])
  })

  test('that is refused with 429 is made again, no sooner than Retry-After', async () => {
    respond = () => new Response(null, { status: 429, headers: { 'retry-after': '7' } })
    open().fails()
    await settle()
    jest.advanceTimersByTime(6999)
    expect(FakeEventSource.opened).toHaveLength(1)
    // The back-off is added.
    jest.advanceTimersByTime(1001)
    expect(FakeEventSource.opened).toHaveLength(2)
  })

  test('that is refused without a reason in words reports the status', async () => {
    respond = () => new Response('<html>', { status: 401 })
    open().fails()
    await settle()
    expect(states.at(-1)).toEqual({ name: 'refused', reason: 'The server responded with status 401.' })
  })

  test('is not made after all when other channels were followed while the reason was requested', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    respond = () => promise
    open().fails()
    stream?.follow(['tasks.>'])
    resolve(new Response(null, { status: 204 }))
    await settle()
    expect([names().at(-1), FakeEventSource.opened.length]).toEqual(['connecting', 2])
  })

  test('after the stream was ready and the browser gave up follows the back-off, from its beginning', () => {
    open({ random: () => 0.5 })
    FakeEventSource.newest.connects({ head: 1 })
    FakeEventSource.newest.fails()
    const state = states.at(-1)
    expect(state).toEqual({ name: 'waiting', at: Date.now() + 500 })
    jest.advanceTimersByTime(500)
    expect(FakeEventSource.opened).toHaveLength(2)
  })

  test('is made at once, and without back-off, when the network is back', () => {
    open({ random: () => 1 })
    for (let count = 0; count < 4; count++) {
      FakeEventSource.newest.drops()
      jest.advanceTimersByTime(30_000)
    }
    FakeEventSource.newest.drops()
    setOnline(true)
    FakeEventSource.newest.drops()
    expect(states.at(-1)).toEqual({ name: 'waiting', at: Date.now() + 1000 })
  })
})
