import { afterEach, beforeEach, describe, expect, jest, spyOn, test } from 'bun:test'
import { createLogger, type Logger } from '../platform/logger.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { createTotals, type Totals } from '../telemetry/totals.ts'
import { MemorySink } from '../testing/memory-sink.ts'
import { SSE } from '../transports/sse/encoding.ts'
import { Hub, type HubOptions } from './hub.ts'
import { RecentEvents } from './recent-events.ts'
import { createReplay, type ReplayRequest } from './replay.ts'
import { createSelection } from './selection.ts'
import type { Subscription } from './subscription.ts'

const HEAD = 10

let hub: Hub
let totals: Totals
let recent: RecentEvents
let forgotten: number
let random: ReturnType<typeof spyOn>
beforeEach(() => {
  // Jitter adds between nothing and the time itself: here, nothing.
  random = spyOn(Math, 'random').mockReturnValue(0)
  createHub()
})
afterEach(() => {
  hub.stop()
  random.mockRestore()
})

function createHub(more: Partial<HubOptions> = {}): void {
  const counted = createTotals()
  totals = counted.totals
  recent = new RecentEvents(HEAD, 100_000, 'e1')
  forgotten = 0
  const replay = createReplay(recent, { read: () => Promise.reject(new Error('not in memory')) })
  hub = new Hub({
    recent,
    replay: {
      next: (request: ReplayRequest) => replay.next(request),
      forget() {
        forgotten++
        replay.forget()
      },
    },
    telemetry: counted.telemetry,
    logger: createLogger({ logLevel: 'silent', logFormat: 'json' }),
    flushInterval: 0,
    heartbeat: 15_000,
    stallTimeout: 60_000,
    retry: 2000,
    maxConnections: 3,
    instance: 'web-1',
    ...more,
  })
}

const event = (position: number, channel = 'a', origin: string | null = null): LoggedEvent => ({
  position,
  channel,
  type: 't',
  data: String(position),
  time: new Date(0),
  origin,
})

/** Opens a stream and reads `ready`. */
async function open(more: Partial<Subscription> = {}) {
  const sink = new MemorySink()
  const cursor = hub.open({
    selection: createSelection(['a']),
    encoding: SSE,
    sink,
    transport: 'sse',
    clientId: null,
    cursor: HEAD,
    resumed: false,
    oldest: 1,
    ...more,
  })
  sink.attach(cursor)
  const read = async () => new TextDecoder().decode(await sink.read())
  const ready = await read()
  await settle()
  return { cursor, sink, read, ready }
}

/** Lets all promises that are pending continue. */
const settle = () => Bun.sleep(0)

const request = (more: Partial<Subscription> = {}) => ({
  selection: createSelection(['a']),
  encoding: SSE,
  clientId: null,
  ...more,
})

describe('a stream that ends', () => {
  test.each([
    ['is closed by the server', ({ cursor }) => cursor.close('expired')],
    ['is left by its client', ({ cursor }) => cursor.leave()],
    ['is replaced by another one of its client', async () => void (await open({ clientId: 'page-1' }))],
    ['is ended with the hub', () => hub.stop()],
  ] as [string, (stream: Awaited<ReturnType<typeof open>>) => void | Promise<void>][])(
    'reports it once when it %s',
    async (_, end) => {
      let ends = 0
      const stream = await open({ clientId: 'page-1', onEnd: () => ends++ })
      expect(ends).toBe(0)
      await end(stream)
      stream.cursor.leave()
      expect(ends).toBe(1)
    },
  )
})

describe('a stream that changes what it follows', () => {
  test('leaves its audience, which ends with its last stream, and gets what comes for the other one', async () => {
    const { cursor, read } = await open()
    const before = hub.indexSize
    expect(hub.move(cursor, createSelection(['b']))).toBe(true)
    expect(hub.indexSize).toBe(before)
    await hub.deliver([event(11, 'a'), event(12, 'b')])
    expect(await read()).toContain('id: 12-e1')
    cursor.leave()
    expect(hub.indexSize).toBe(0)
  })

  test('shares the audience of those that follow the same', async () => {
    const [first, second] = [await open({ selection: createSelection(['b']) }), await open()]
    hub.move(second.cursor, createSelection(['b']))
    expect(second.cursor.selection).toBe(first.cursor.selection)
    expect(hub.move(second.cursor, createSelection(['b']))).toBe(true)
  })

  test('stays as it is when the index of subscriptions is full', async () => {
    const wide = createSelection(Array.from({ length: 500_001 }, (_, n) => `wide.${n}`))
    const { cursor } = await open()
    expect(hub.move(cursor, wide)).toBe(false)
    expect(cursor.selection.patterns).toEqual(['a'])
  })

  test('and has ended is in no audience again', async () => {
    const { cursor } = await open()
    cursor.leave()
    expect(hub.move(cursor, createSelection(['b']))).toBe(true)
    expect(hub.indexSize).toBe(0)
  })
})

describe('a stream that is opened', () => {
  test('gets ready with its position, its channels and what the instance says of itself', async () => {
    const { ready } = await open({ selection: createSelection(['b', 'a']), cursor: 8, resumed: true, oldest: 3 })
    expect(JSON.parse(/^data: (.*)$/m.exec(ready)?.[1] ?? '')).toMatchObject({
      connection: '1',
      instance: 'web-1',
      channels: ['a', 'b'],
      cursor: '8-e1',
      oldest: 3,
      head: HEAD,
      resumed: true,
      heartbeat: 15_000,
    })
    expect(ready).toContain('\nretry: 2000\n')
  })

  test('has a number of its own', async () => {
    await open()
    expect((await open()).ready).toContain('"connection":"2"')
  })

  test('is counted while it is open', async () => {
    const { cursor } = await open()
    await open()
    expect([hub.connectionCount, totals.connections.sse.opened]).toEqual([2, 2])
    cursor.close('stalled')
    expect([hub.connectionCount, totals.connections.sse.closed.stalled]).toEqual([1, 1])
  })

  test('closes the one that the same client has open', async () => {
    const older = await open({ clientId: 'page-1' })
    const other = await open({ clientId: 'page-2' })
    await open({ clientId: 'page-1' })
    expect(await older.read()).toContain('"reason":"replaced"')
    expect([older.sink.isClosed, other.sink.isClosed]).toEqual([true, false])
    expect([hub.connectionCount, totals.connections.sse.closed.replaced]).toEqual([2, 1])
  })

  test('gets heartbeats once the hub was started', async () => {
    createHub({ heartbeat: 4 })
    const { read } = await open()
    hub.start()
    expect(await read()).toStartWith('event: heartbeat\n')
  })

  test('is logged when it opens and when it is closed', async () => {
    const lines: unknown[][] = []
    const debug = (...line: unknown[]) => lines.push(line)
    createHub({ logger: { debug } as unknown as Logger })
    const { cursor } = await open()
    cursor.leave()
    expect(lines).toEqual([
      [{ connection: '1', patterns: ['a'], cursor: HEAD }, 'stream opened'],
      [{ connection: '1', reason: 'client' }, 'stream closed'],
    ])
  })

  test('leaves no trace when it is closed', async () => {
    const { cursor } = await open({ selection: createSelection(['a.*.c', 'b']) })
    expect(hub.indexSize).toBeGreaterThan(0)
    cursor.leave()
    expect([hub.indexSize, hub.connectionCount, totals.connections.sse.closed.client]).toEqual([0, 0, 1])
  })
})

describe('events', () => {
  test('go to the live streams that selected their channel', async () => {
    const [a, b] = [await open(), await open({ selection: createSelection(['b']) })]
    await hub.deliver([event(11, 'a'), event(12, 'b'), event(13, 'a')])
    expect((await a.read()).match(/^id: .*$/gm)).toEqual(['id: 11-e1', 'id: 13-e1'])
    expect((await b.read()).match(/^id: .*$/gm)).toEqual(['id: 12-e1'])
    expect(hub.position).toBe(13)
    expect([a.cursor.position, b.cursor.position]).toEqual([13, 13])
    expect(totals.deliveredEvents).toBe(3)
  })

  test('are replayed from memory to a stream that begins before them, and counted', async () => {
    await hub.deliver([event(11), event(12)])
    await settle()
    const { read, cursor } = await open({ cursor: HEAD })
    expect((await read()).match(/^id: .*$/gm)).toEqual(['id: 11-e1', 'id: 12-e1'])
    await settle()
    expect([cursor.isLive, totals.deliveredEvents]).toEqual([true, 2])
    expect(totals.deliveredBytes).toBeGreaterThan(100)
  })

  test('come after a wait to a stream whose cursor this instance has not reached', async () => {
    const { read, cursor } = await open({ cursor: 12 })
    expect(cursor.isLive).toBe(false)
    await hub.deliver([event(11), event(12), event(13)])
    expect((await read()).match(/^id: .*$/gm)).toEqual(['id: 13-e1'])
  })

  test('are flushed before more are taken when 256 KiB are pending', async () => {
    createHub({ flushInterval: 1_000_000 })
    await hub.deliver([event(11)])
    const large = { ...event(12), data: JSON.stringify('x'.repeat(256 * 1024)) }
    await hub.deliver([large, event(13)])
    expect(hub.position).toBe(12)
  })
})

describe('a log that continues elsewhere', () => {
  test('gives live streams a gap, and leaves those that are behind in the same log alone', async () => {
    const [live, ahead] = [await open(), await open({ cursor: 12 })]
    await hub.skip(20, 'purged')
    expect(await live.read()).toBe('event: gap\ndata: {"from":10,"to":20,"reason":"purged"}\nid: 20-e1\n\n')
    expect([hub.position, recent.head, recent.tail, forgotten]).toEqual([20, 20, 20, 1])
    expect(ahead.cursor.position).toBe(12)
  })

  test('gives all streams a gap when it is another log', async () => {
    const [live, ahead] = [await open(), await open({ cursor: 12 })]
    await hub.skip(5, 'unknown')
    expect(await live.read()).toContain('{"from":10,"to":5,"reason":"unknown"}')
    expect(await ahead.read()).toContain('{"from":12,"to":5,"reason":"unknown"}')
  })

  test('is skipped after the events that were delivered before', async () => {
    createHub({ flushInterval: 1_000_000 })
    const { read } = await open()
    await hub.deliver([event(11)])
    expect(await read()).toContain('id: 11-e1\n')
    await settle()
    await hub.deliver([event(12)])
    expect(hub.position).toBe(11)
    await hub.skip(20, 'purged')
    expect(await read()).toContain('id: 12-e1\n')
    expect(await read()).toContain('{"from":12,"to":20,"reason":"purged"}')
  })

  test('wakes streams that wait for a position', async () => {
    const { cursor } = await open({ cursor: 20 })
    expect(cursor.isLive).toBe(false)
    await hub.skip(20, 'purged')
    await settle()
    expect(cursor.isLive).toBe(true)
  })

  test('has its epoch in the ids after the skip, and the earlier one in the ids before', async () => {
    const { read } = await open()
    await hub.deliver([event(11)])
    await hub.skip(20, 'unknown', 'e2')
    expect(await read()).toContain('id: 11-e1\n')
    expect(await read()).toContain('id: 20-e2\n')
    await hub.deliver([event(21)])
    expect(await read()).toContain('id: 21-e2\n')
  })

  test('gives no gap when only its epoch is another one, except to a stream that is further than both share', async () => {
    const live = await open()
    const ahead = await open({ cursor: 15 })
    hub.renew('e2', 12)
    expect(await ahead.read()).toBe('event: gap\ndata: {"from":15,"to":10,"reason":"unknown"}\nid: 10-e2\n\n')
    await hub.deliver([event(11)])
    expect(await live.read()).toContain('event: t\n')
    expect(hub.epoch).toBe('e2')
  })

  test('is followed after the skip', async () => {
    const { read } = await open()
    await hub.skip(20, 'purged')
    await read()
    await settle()
    await hub.deliver([event(21)])
    expect(await read()).toContain('id: 21-e1\n')
  })
})

describe('a new epoch', () => {
  test('leaves streams alone whose position both epochs share, and gives the others a gap', async () => {
    const [shared, beyond] = [await open({ cursor: 12 }), await open({ cursor: 13 })]
    hub.renew('e2', 12)
    expect(hub.epoch).toBe('e2')
    expect([shared.cursor.position, beyond.cursor.position]).toEqual([12, 10])
    expect(await beyond.read()).toContain('{"from":13,"to":10,"reason":"unknown"}\nid: 10-e2\n')
  })
})

describe('a stream is refused', () => {
  test('when as many are open as the setting allows, with three times the reconnection time', async () => {
    expect(hub.refusal(request())).toBeUndefined()
    for (let count = 0; count < 3; count++) await open()
    expect(hub.refusal(request())).toEqual({ reason: 'full', retry: 6000 })
  })

  test('unless it replaces one of them', async () => {
    for (const clientId of ['page-1', 'page-2', 'page-3']) await open({ clientId })
    expect(hub.refusal(request({ clientId: 'page-2' }))).toBeUndefined()
    expect(hub.refusal(request({ clientId: 'page-4' }))?.reason).toBe('full')
  })

  test('when its patterns do not fit the index of subscriptions', () => {
    expect(hub.maxIndexSize).toBe(1_000_000)
    const selection = { ...createSelection(['a']), size: hub.maxIndexSize + 1 }
    expect(hub.refusal(request({ selection }))?.reason).toBe('full')
  })

  test('when its cursor can not be looked up, with three times the reconnection time', () => {
    expect(hub.unavailable).toEqual({ reason: 'unavailable', retry: 6000 })
  })

  test('while the instance drains, with the reconnection time of the drain', async () => {
    await open()
    await hub.drain(0)
    expect(hub.refusal(request())).toEqual({ reason: 'drain', retry: 75 })
    expect(hub.refusal(request({ isProxied: true }))).toEqual({ reason: 'drain', retry: 2000 })
  })
})

describe('the end', () => {
  test('of all streams comes with a drain', async () => {
    const [direct, proxied] = [await open(), await open({ isProxied: true })]
    await hub.drain(0)
    expect(await direct.read()).toContain('"reason":"drain","retry":75')
    expect(await proxied.read()).toContain('"reason":"drain","retry":2000')
    expect([hub.connectionCount, totals.connections.sse.closed.shutdown]).toEqual([0, 2])
  })

  test('of all streams, once, does not refuse those that reconnect', async () => {
    const { read } = await open()
    await hub.disconnectAll(0)
    expect(await read()).toContain('"reason":"drain"')
    expect(hub.refusal(request())).toBeUndefined()
  })

  test('of the hub leaves no timer', async () => {
    jest.useFakeTimers()
    try {
      createHub({ flushInterval: 1_000_000 })
      hub.start()
      await hub.deliver([event(11)])
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
      await hub.deliver([event(12)])
      expect(jest.getTimerCount()).toBe(2)
      hub.stop()
      expect(jest.getTimerCount()).toBe(0)
    } finally {
      jest.useRealTimers()
    }
  })

  test('of the hub closes what is open, and flushes nothing more', async () => {
    createHub({ flushInterval: 1 })
    const { read } = await open()
    await hub.deliver([event(11)])
    await hub.deliver([event(12)])
    hub.stop()
    expect(await read()).toContain('id: 11-e1\n')
    expect(await read()).toContain('"reason":"drain"')
    expect(hub.connectionCount).toBe(0)
  })
})
