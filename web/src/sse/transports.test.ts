import { afterEach, beforeEach, describe, expect, jest, spyOn, test } from 'bun:test'
import { openEventStream } from './event-stream.ts'
import type { EventStream, EventStreamOptions } from './event-stream-options.ts'
import type { Gap, HistoryPage, StreamState } from './protocol.ts'
import { FakeEventSource, fakeBrowser, type Respond } from './testing/fake-browser.ts'

let restore: () => void
let stream: EventStream | undefined
let states: StreamState[]
let positions: number[]
let gaps: Gap[]
/** Requests for pages, oldest first, and how to answer each. */
let requests: { query: URLSearchParams; answer: (response: Response) => void; signal: AbortSignal }[]
/** Answers requests for streams, which only ask why one failed. */
let explain: Respond

beforeEach(() => {
  requests = []
  explain = () => new Response(null, { status: 503 })
  restore = fakeBrowser((url, init) => {
    const isPage = new Headers(init.headers).get('accept') === 'application/json'
    if (!isPage) return explain(url, init)
    return new Promise((resolve, reject) => {
      const signal = init.signal as AbortSignal
      requests.push({ query: url.searchParams, answer: resolve, signal })
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  })
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

function open(options: Partial<EventStreamOptions> = {}): void {
  stream = openEventStream({
    channels: ['orders.>'],
    onState: (state) => states.push(state),
    onEvent: ({ position }) => positions.push(position),
    onGap: (gap) => gaps.push(gap),
    ...options,
  })
}

/** Lets promises settle. */
const settle = async () => {
  for (let count = 0; count < 20; count++) await Promise.resolve()
}

/** Answers the newest request with a page of events at these positions. */
async function page(at: number[], more: Partial<HistoryPage> = {}): Promise<void> {
  const cursor = `${at.at(-1) ?? 0}-a`
  const events = at.map((position) => ({ position, channel: 'orders.a', type: 't', data: null, time: '' }))
  requests.at(-1)?.answer(Response.json({ events, cursor, more: false, oldest: 1, head: at.at(-1) ?? 0, ...more }))
  await settle()
}

const newest = () => Object.fromEntries(requests.at(-1)?.query ?? [])

describe('long-polling', () => {
  test('asks for the head without a wait, and then waits after each cursor', async () => {
    open({ transport: 'poll', clientId: 'page' })
    expect(newest()).toMatchObject({ channel: 'orders.>', after: 'latest', wait: '0', clientId: 'page' })
    await page([], { cursor: '5-a', head: 5 })
    expect(states.at(-1)).toEqual({ name: 'live', instance: '', transport: 'poll' })
    expect(newest()).toMatchObject({ after: '5-a', wait: '20' })
    await page([6, 7])
    expect([positions, stream?.cursor, newest().after]).toEqual([[6, 7], '7-a', '7-a'])
    await page([], { cursor: '9-a' })
    expect([stream?.cursor, newest().after]).toEqual(['9-a', '9-a'])
    expect(FakeEventSource.opened).toEqual([])
  })

  test('begins after the cursor that it is given, and leaves out duplicates', async () => {
    open({ transport: 'poll', after: '3-a' })
    expect(newest().after).toBe('3-a')
    await page([3, 4])
    expect(positions).toEqual([4])
  })

  test('reports a gap before the events behind it', async () => {
    open({ transport: 'poll', after: '3-a' })
    const gap = { from: 3, to: 10, reason: 'purged' } as const
    await page([11], { gap })
    expect([gaps, positions, stream?.cursor]).toEqual([[gap], [11], '11-a'])
  })

  test('waits as long as the server says when it closes, and resumes', async () => {
    open({ transport: 'poll', after: '3-a' })
    await page([], { cursor: '4-a', closing: { reason: 'drain', retry: 700 } })
    expect(states.at(-1)?.name).toBe('waiting')
    jest.advanceTimersByTime(700)
    expect(newest()).toMatchObject({ after: '4-a', wait: '0' })
  })

  test('retries after a failure, no sooner than Retry-After', async () => {
    open({ transport: 'poll', after: '3-a', random: () => 0 })
    requests[0]?.answer(new Response(null, { status: 503, headers: { 'retry-after': '7' } }))
    await settle()
    expect(states.at(-1)?.name).toBe('waiting')
    jest.advanceTimersByTime(6999)
    expect(requests.length).toBe(1)
    jest.advanceTimersByTime(1)
    expect(requests.length).toBe(2)
  })

  test('is refused with the reason, and over after 204', async () => {
    open({ transport: 'poll' })
    requests[0]?.answer(Response.json({ code: 'channel.invalid', detail: 'No such pattern.' }, { status: 400 }))
    await settle()
    expect(states.at(-1)).toEqual({ name: 'refused', reason: 'No such pattern.' })
    stream?.close()
    open({ transport: 'poll' })
    requests.at(-1)?.answer(new Response(null, { status: 204 }))
    await settle()
    expect(states.at(-1)).toEqual({ name: 'over' })
  })

  test('aborts its request when it is closed, and reports nothing more', async () => {
    open({ transport: 'poll' })
    stream?.close()
    expect(requests[0]?.signal.aborted).toBe(true)
    await page([1])
    expect([positions, states.at(-1)?.name]).toEqual([[], 'closed'])
  })
})

describe('the transport auto', () => {
  test('goes to long-polling at the same cursor when a stream brings nothing in time, and says so once', async () => {
    const log = spyOn(console, 'info').mockImplementation(() => {})
    open({ after: '3-a' })
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('3-a')
    jest.advanceTimersByTime(5000)
    expect(FakeEventSource.newest.isClosed).toBe(true)
    expect(newest()).toMatchObject({ after: '3-a', wait: '0' })
    await page([4])
    expect(positions).toEqual([4])
    expect(states.at(-1)).toMatchObject({ name: 'live', transport: 'poll' })
    await page([5])
    expect(log.mock.calls).toEqual([[expect.stringContaining('long-polling')]])
    log.mockRestore()
  })

  test('goes to long-polling when something on the way refuses streams, but not when the server does', async () => {
    const log = spyOn(console, 'info').mockImplementation(() => {})
    explain = () => new Response('<h1>Forbidden</h1>', { status: 403 })
    open({ after: '3-a' })
    FakeEventSource.newest.fails()
    await settle()
    expect(newest()).toMatchObject({ after: '3-a' })
    stream?.close()
    requests = []
    explain = () => Response.json({ code: 'access.denied', detail: 'Not yours.' }, { status: 403 })
    open({ after: '3-a' })
    FakeEventSource.newest.fails()
    await settle()
    expect([requests.length, states.at(-1)]).toEqual([0, { name: 'refused', reason: 'Not yours.' }])
    log.mockRestore()
  })

  test('goes back to the event stream when one gets through, at the same cursor', async () => {
    const log = spyOn(console, 'info').mockImplementation(() => {})
    open({ after: '3-a', clientId: 'page' })
    jest.advanceTimersByTime(5000)
    await page([4])
    jest.advanceTimersByTime(30_000)
    await page([], { cursor: '4-a', head: 4 })
    jest.advanceTimersByTime(30_000)
    const probe = FakeEventSource.newest
    expect(probe.query.has('clientId')).toBe(false)
    expect(requests.at(-1)?.signal.aborted).toBe(false)
    probe.connects({ head: 4 })
    await settle()
    expect([probe.isClosed, requests.at(-1)?.signal.aborted]).toEqual([true, true])
    expect(FakeEventSource.newest).not.toBe(probe)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('4-a')
    FakeEventSource.newest.connects({ head: 4 })
    expect(states.at(-1)).toMatchObject({ name: 'live', transport: 'sse' })
    log.mockRestore()
  })

  test('attempts the event stream again when the probe brings nothing, and polls on', async () => {
    const log = spyOn(console, 'info').mockImplementation(() => {})
    open({ after: '3-a' })
    jest.advanceTimersByTime(5000)
    await page([4])
    jest.advanceTimersByTime(30_000)
    await page([], { cursor: '4-a', head: 4 })
    jest.advanceTimersByTime(30_000)
    const opened = FakeEventSource.opened.length
    jest.advanceTimersByTime(10_000)
    await settle()
    expect(FakeEventSource.newest.isClosed).toBe(true)
    await page([5])
    expect(positions).toEqual([4, 5])
    expect(FakeEventSource.opened.length).toBe(opened)
    log.mockRestore()
  })
})
