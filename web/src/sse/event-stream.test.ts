import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { type EventStream, type EventStreamOptions, openEventStream } from './event-stream.ts'
import type { Gap, StreamState } from './protocol.ts'
import { type Answer, FakeEventSource, fakeBrowser, setOnline } from './testing/fake-browser.ts'

let restore: () => void
let stream: EventStream | undefined
let answer: Answer
let states: StreamState[]
let positions: number[]
let gaps: Gap[]

beforeEach(() => {
  answer = () => new Response(null, { status: 503 })
  restore = fakeBrowser((url) => answer(url))
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
  test('asks for its channels, after its cursor, and without what the page does itself', () => {
    const { query } = open({ channels: ['orders.>', 'tasks.*'], after: 7, clientId: 'page' })
    expect(Object.fromEntries(query)).toMatchObject({ lastEventId: '7', clientId: 'page', named: 'false' })
    expect(query.getAll('channel')).toEqual(['orders.>', 'tasks.*'])
  })

  test('is connecting, then live, and tells which instance answers', () => {
    open().connects({ head: 5, instance: 'web-1' })
    expect(states).toEqual([{ name: 'connecting' }, { name: 'live', instance: 'web-1' }])
    expect(stream?.cursor).toBe('5')
  })

  test('catches up until it is where the log was when it began', () => {
    const source = open({ after: 1 })
    source.connects({ head: 4 })
    source.brings(2)
    expect(names()).toEqual(['connecting', 'catching up'])
    source.beats(4)
    expect(names().at(-1)).toBe('live')
  })

  test('leaves out what came already', () => {
    const source = open()
    source.connects({ head: 1 })
    for (const position of [2, 3, 3, 2, 4]) source.brings(position)
    expect(positions).toEqual([2, 3, 4])
  })

  test('tells a gap, and goes on behind it', () => {
    const source = open({ after: 3 })
    source.connects({ head: 20 })
    source.lost({ from: 3, to: 10, reason: 'purged' })
    expect([gaps, stream?.cursor]).toEqual([[{ from: 3, to: 10, reason: 'purged' }], '10'])
  })

  test('of a log that was restored begins behind the gap, where ids are smaller', () => {
    const source = open({ after: 100 })
    source.lost({ from: 100, to: 10, reason: 'unknown' })
    source.brings(11)
    expect([positions, stream?.cursor]).toEqual([[11], '11'])
  })

  test('follows other channels without losing its place', () => {
    const first = open()
    first.connects({ head: 5 })
    first.brings(6)
    stream?.follow(['tasks.>'])
    expect(first.isClosed).toBe(true)
    expect([FakeEventSource.newest.query.get('channel'), FakeEventSource.newest.query.get('lastEventId')]).toEqual([
      'tasks.>',
      '6',
    ])
  })
})

describe('a connection that', () => {
  test('breaks is left to the browser once; when that does not help, it is tried later and later', () => {
    const source = open()
    source.connects({ head: 3 })
    source.drops()
    expect(names().at(-1)).toBe('connecting')
    source.drops()
    expect([names().at(-1), source.isClosed]).toEqual(['waiting', true])
    jest.advanceTimersByTime(1001)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('3')
    FakeEventSource.newest.drops()
    expect(names().at(-1)).toBe('waiting')
  })

  test('breaks is left to the browser, which tries again', () => {
    const source = open()
    source.connects()
    source.drops()
    expect(names().at(-1)).toBe('connecting')
    source.connects({ head: 1 })
    expect([names().at(-1), FakeEventSource.opened.length]).toEqual(['live', 1])
  })

  test('is closed by the server comes back after the time that the server says, at its cursor', () => {
    const source = open()
    source.connects({ head: 3 })
    source.isClosing('drain', 120, '5')
    expect([names().at(-1), source.isClosed, stream?.cursor]).toEqual(['waiting', true, '5'])
    jest.advanceTimersByTime(119)
    expect(FakeEventSource.opened).toHaveLength(1)
    jest.advanceTimersByTime(1)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('5')
  })

  test('is closed by a server that stops is tried in the same short time again, until the next server is there', () => {
    open().connects({ head: 3 })
    FakeEventSource.newest.isClosing('drain', 120, '3')
    for (let count = 2; count <= 8; count++) {
      jest.advanceTimersByTime(120)
      expect(FakeEventSource.opened).toHaveLength(count)
      FakeEventSource.newest.drops()
    }
    jest.advanceTimersByTime(120)
    FakeEventSource.newest.connects({ head: 3 })
    expect(names().at(-1)).toBe('live')
  })

  test('is sent away by a full server comes back no sooner than it says, and later each time', () => {
    open({ after: 2 })
    const waits: number[] = []
    for (let count = 0; count < 8; count++) {
      FakeEventSource.newest.isClosing('full', 6000, '2')
      const state = states.at(-1)
      if (state?.name !== 'waiting') throw new Error(`it is ${state?.name}`)
      waits.push(Math.round(state.at - Date.now()))
      jest.advanceTimersByTime(state.at - Date.now() + 1)
    }
    expect(FakeEventSource.opened).toHaveLength(9)
    expect([waits[0], Math.min(...waits)]).toEqual([6000, 6000])
    expect(Math.max(...waits)).toBeGreaterThan(7000)
    expect(stream?.cursor).toBe('2')
  })

  test('went silent is thrown away after two and a half heartbeats, and a new one begins where it was', () => {
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
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('6')
  })

  test('can not be made is tried again, later and later, at times that differ', async () => {
    open()
    const waits: number[] = []
    for (let count = 0; count < 12; count++) {
      FakeEventSource.newest.fails()
      await settle()
      const state = states.at(-1)
      if (state?.name !== 'waiting') throw new Error(`it is ${state?.name}`)
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

  test('is refused is not tried again: the reason is told', async () => {
    answer = () => Response.json({ detail: 'The channel is not valid.' }, { status: 400 })
    open().fails()
    await settle()
    expect(states.at(-1)).toEqual({ name: 'refused', reason: 'The channel is not valid.' })
    jest.advanceTimersByTime(60_000)
    expect(FakeEventSource.opened).toHaveLength(1)
    stream?.follow(['orders.>'])
    expect(FakeEventSource.opened).toHaveLength(2)
  })

  test('is over, as the server says, stays so', async () => {
    answer = () => new Response(null, { status: 204 })
    open().fails()
    await settle()
    jest.advanceTimersByTime(60_000)
    expect([names().at(-1), FakeEventSource.opened.length]).toEqual(['over', 1])
  })
})

describe('a browser without network', () => {
  test('waits for it, and connects at once when it is there', () => {
    const source = open()
    source.connects({ head: 3 })
    setOnline(false)
    expect([names().at(-1), source.isClosed]).toEqual(['offline', true])
    jest.advanceTimersByTime(60_000)
    expect(FakeEventSource.opened).toHaveLength(1)
    setOnline(true)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('3')
    FakeEventSource.newest.connects({ head: 3 })
    expect(names().at(-1)).toBe('live')
  })

  test('that begins so does not try', () => {
    setOnline(false)
    stream = openEventStream({ channels: ['a'], onState: (state) => states.push(state) })
    expect([names(), FakeEventSource.opened.length]).toEqual([['offline'], 0])
  })
})

test('a stream that was closed stays so, whatever happens', async () => {
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
