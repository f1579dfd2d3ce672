import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { Publications } from '../../../server/protocol/ledger.ts'
import { type FakeStream, type FakeStreams, fakeStreams } from '../sse/testing/fake-streams.ts'
import { LabStream } from './lab-stream.ts'

let fake: FakeStreams
let refusals: (Response | undefined)[]
let lab: LabStream
let latencies: number[]
const publications = new Publications()

beforeEach(() => {
  refusals = []
  latencies = []
  fake = fakeStreams((index) => refusals[index])
  jest.useFakeTimers()
})
afterEach(() => {
  lab.close()
  jest.useRealTimers()
  fake.restore()
})

/** Lets promises and streams settle. */
const settle = async () => {
  for (let count = 0; count < 40; count++) await Promise.resolve()
}

async function open(cursor = ''): Promise<FakeStream> {
  lab = new LabStream({
    number: 3,
    url: '/events',
    channels: ['lab.a', 'orders.>'],
    cursor,
    publications,
    onLatency: (ms) => latencies.push(ms),
  })
  await settle()
  return newest()
}

const newest = () => {
  const stream = fake.streams.at(-1)
  if (!stream) throw new Error('no stream was opened')
  return stream
}

const ready = (stream: FakeStream, cursor: string, retry = 500) =>
  stream.send('ready', { instance: 'web-1', heartbeat: 1000, cursor }, cursor, retry)
const numbered = (stream: FakeStream, n: number, id: string) =>
  stream.send('lab.numbered', { channel: 'lab.a', type: 'lab.numbered', data: { n, at: Date.now() - 7 } }, id)
const cursorOf = (stream: FakeStream) => stream.url.searchParams.get('lastEventId')

describe('a stream of the lab', () => {
  test('asks for its channels, after the cursor of the form', async () => {
    const stream = await open('earliest')
    expect([stream.url.searchParams.getAll('channel'), cursorOf(stream)]).toEqual([['lab.a', 'orders.>'], 'earliest'])
  })

  test('is live after `ready`, and counts events, latency and the position', async () => {
    const stream = await open()
    expect([lab.state, cursorOf(stream), lab.lag]).toEqual(['connecting', null, undefined])
    ready(stream, '41-k3f9')
    numbered(stream, 0, '42-k3f9')
    numbered(stream, 1, '43-k3f9')
    await settle()
    expect([lab.state, lab.instance, lab.received, lab.ledger.lastPosition]).toEqual(['live', 'web-1', 2, 43])
    expect([lab.ledger.delivered, lab.lag, latencies]).toEqual([2, 7, [7, 7]])
  })

  test("reconnects after the server's time, with the text of the last event ID", async () => {
    const stream = await open()
    ready(stream, '41-k3f9', 500)
    numbered(stream, 0, '42-k3f9')
    await settle()
    stream.end()
    await settle()
    expect(lab.state).toBe('waiting')
    jest.advanceTimersByTime(499)
    await settle()
    expect(fake.streams).toHaveLength(1)
    jest.advanceTimersByTime(1)
    await settle()
    expect([fake.streams.length, cursorOf(newest()), lab.reconnects]).toEqual([2, '42-k3f9', 1])
  })

  test('moves its cursor by heartbeats and gaps', async () => {
    const stream = await open()
    ready(stream, '41-k3f9')
    stream.send('heartbeat', {}, '50-k3f9')
    stream.send('gap', { from: 50, to: 60, reason: 'purged' }, '60-k3f9')
    await settle()
    expect([lab.gaps, lab.ledger.lastPosition]).toEqual([1, 60])
    lab.drop()
    await settle()
    jest.advanceTimersByTime(500)
    await settle()
    expect(cursorOf(newest())).toBe('60-k3f9')
  })

  test('continues at smaller positions after the log was set back', async () => {
    const stream = await open()
    ready(stream, '41-k3f9')
    stream.send('gap', { from: 41, to: 10, reason: 'unknown' }, '10-new')
    numbered(stream, 5, '11-new')
    await settle()
    expect([lab.ledger.reordered, lab.ledger.lastPosition]).toEqual([0, 11])
  })

  test('counts events of others that are out of order', async () => {
    const stream = await open()
    const other = (id: string) => stream.send('t', { channel: 'orders.1', type: 't', data: null }, id)
    ready(stream, '41-k3f9')
    for (const id of ['42-k3f9', '44-k3f9', '43-k3f9']) other(id)
    await settle()
    expect([lab.received, lab.ledger.reordered, lab.ledger.delivered]).toEqual([3, 1, 0])
  })

  test('waits as long as a server that drains says', async () => {
    const stream = await open()
    ready(stream, '41-k3f9')
    stream.send('closing', { reason: 'drain', retry: 120 }, '41-k3f9')
    stream.end()
    await settle()
    jest.advanceTimersByTime(119)
    await settle()
    expect(fake.streams).toHaveLength(1)
    jest.advanceTimersByTime(1)
    await settle()
    expect(fake.streams).toHaveLength(2)
  })

  test('gives a silent connection up after two and a half heartbeats', async () => {
    const stream = await open()
    ready(stream, '41-k3f9', 0)
    await settle()
    jest.advanceTimersByTime(2499)
    await settle()
    expect(lab.state).toBe('live')
    jest.advanceTimersByTime(1)
    await settle()
    expect(lab.state).toBe('waiting')
  })

  test.each([
    [403, 'refused'],
    [204, 'over'],
  ] as const)('does not reconnect after status %p', async (status, state) => {
    refusals = [new Response(null, { status })]
    lab = new LabStream({ number: 0, url: '/', channels: [], cursor: '', publications, onLatency: () => {} })
    await settle()
    jest.advanceTimersByTime(100_000)
    await settle()
    expect([lab.state, fake.streams.length]).toEqual([state, 0])
  })

  test('reconnects after status 429, no sooner than Retry-After', async () => {
    refusals = [new Response(null, { status: 429, headers: { 'retry-after': '5' } })]
    lab = new LabStream({ number: 0, url: '/', channels: [], cursor: '', publications, onLatency: () => {} })
    await settle()
    expect(lab.state).toBe('waiting')
    jest.advanceTimersByTime(4999)
    await settle()
    expect(fake.streams).toHaveLength(0)
    // The back-off is added.
    jest.advanceTimersByTime(1001)
    await settle()
    expect(fake.streams).toHaveLength(1)
  })

  test('reads nothing while it is stalled, is not taken for silent, and then reads what arrived', async () => {
    const stream = await open()
    ready(stream, '41-k3f9')
    await settle()
    lab.setStalled(true)
    expect(lab.state).toBe('stalled')
    // The read that was under way still ends.
    numbered(stream, 10, '42-k3f9')
    await settle()
    numbered(stream, 11, '43-k3f9')
    jest.advanceTimersByTime(60_000)
    await settle()
    expect([lab.received, lab.state]).toEqual([1, 'stalled'])
    lab.setStalled(false)
    await settle()
    expect([lab.received, lab.state]).toEqual([2, 'live'])
  })

  test('does not reconnect while it is offline, and does so at once when it is online', async () => {
    const stream = await open()
    ready(stream, '41-k3f9')
    await settle()
    lab.setOffline(true)
    await settle()
    jest.advanceTimersByTime(60_000)
    await settle()
    expect([lab.state, fake.streams.length]).toEqual(['offline', 1])
    lab.setOffline(false)
    await settle()
    expect([lab.state, fake.streams.length, cursorOf(newest())]).toEqual(['connecting', 2, '41-k3f9'])
  })

  test('reconnects at once when that is wanted', async () => {
    const stream = await open()
    ready(stream, '41-k3f9')
    await settle()
    lab.reconnect()
    await settle()
    expect(fake.streams).toHaveLength(2)
  })

  test('stays closed', async () => {
    const stream = await open()
    ready(stream, '41-k3f9')
    await settle()
    lab.close()
    lab.reconnect()
    await settle()
    jest.advanceTimersByTime(60_000)
    await settle()
    expect(fake.streams).toHaveLength(1)
  })
})
