import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import type { ConnectionHandlers } from '../sse/connection.ts'
import { CompareSession } from './compare-session.ts'
import type { KindId } from './kinds.ts'

const { fetch } = globalThis
const connected = new Map<KindId, ConnectionHandlers>()
let session: CompareSession
let isReachable: boolean
let position: number
/** What was published, in order. */
let published: { data: { n: number; at: number }; position: number }[]

beforeEach(() => {
  connected.clear()
  published = []
  isReachable = true
  position = 0
  globalThis.fetch = (async (_: string, init: RequestInit) => {
    if (!isReachable) throw new TypeError('unreachable')
    const events = JSON.parse(String(init.body)) as { data: { n: number; at: number } }[]
    for (const { data } of events) published.push({ data, position: ++position })
    return Response.json({ positions: events.map((_, index) => position - events.length + index + 1) })
  }) as unknown as typeof globalThis.fetch
  session = new CompareSession('compare.x', '0-e', (kind) => (_transport, { cursor }, handlers) => {
    connected.set(kind, handlers)
    queueMicrotask(() => handlers.onReady({ heartbeat: 60_000, head: 0, instance: 'i', cursor: cursor ?? '' }, '0-e'))
    return { close: () => connected.delete(kind) }
  })
  session.setRate(0)
})
afterEach(() => {
  session.close()
  globalThis.fetch = fetch
})

/** Delivers everything from an index on, to one lane or all. */
const deliver = (from = 0, only: readonly KindId[] = [...connected.keys()]) => {
  for (const kind of only) {
    const handlers = connected.get(kind) as ConnectionHandlers
    for (const { data, position } of published.slice(from)) {
      handlers.onEvent({ channel: 'compare.x', type: 't', data, time: '' }, `${position}-e`)
    }
  }
}
const until = async (condition: () => boolean) => {
  while (!condition()) {
    session.tick()
    await Bun.sleep(2)
  }
}
const burst = async (count: number) => {
  session.burst(count)
  await until(() => !session.isBusy)
}
const lane = (id: KindId) => session.figures().lanes.find((figures) => figures.id === id)

describe('a comparison', () => {
  test('is live on four lanes, and has nothing to say at first', async () => {
    await until(() => session.figures().lanes.every(({ state }) => state === 'live'))
    expect(session.figures()).toMatchObject({ sent: 0, headline: undefined, isBusy: false, trouble: '' })
    expect(lane('sse')).toMatchObject({ received: 0, p50: undefined, bytesPerEvent: undefined, verdict: undefined })
  })

  test('judges a burst on each lane', async () => {
    await burst(3)
    deliver(0, ['sse'])
    expect(lane('sse')?.verdict?.text).toStartWith('All 3 events, once and in order.')
    expect(lane('poll')?.verdict).toEqual({ text: '3 events still to come …', state: 'running' })
    expect(session.figures().headline?.state).toBe('running')
    deliver(0, ['websocket', 'long-poll', 'poll'])
    expect(session.figures().headline).toEqual({
      text: 'Burst: every lane has every event, once and in order.',
      state: 'succeeded',
    })
  })

  test('finds what came twice on one lane alone', async () => {
    await burst(2)
    deliver()
    session.begin('hidden')
    deliver(1, ['websocket'])
    expect(lane('websocket')?.verdict).toEqual({ text: '1 came twice.', state: 'failed' })
    expect(lane('sse')).toMatchObject({ duplicated: 0, verdict: { state: 'running' } })
  })

  test('finds what a lane is past without having received it', async () => {
    await burst(3)
    deliver()
    await burst(3)
    deliver(5, ['long-poll'])
    expect(lane('long-poll')).toMatchObject({ missing: 2, verdict: { text: '2 events missing.', state: 'failed' } })
  })

  test('finds that the last event is missing when the cursor of a lane passes it', async () => {
    await burst(3)
    expect(lane('sse')).toMatchObject({ missing: 0, verdict: { state: 'running' } })
    connected.get('sse')?.onHeartbeat('3-e')
    expect(lane('sse')).toMatchObject({ missing: 3, verdict: { text: '3 events missing.' } })
  })

  test('takes the network from all lanes, publishes meanwhile, and connects them again', async () => {
    await until(() => session.figures().lanes.every(({ state }) => state === 'live'))
    session.cut()
    expect([connected.size, session.figures().lanes.map(({ state }) => state)]).toEqual([0, Array(4).fill('offline')])
    await until(() => published.length > 0)
    session.begin('hidden')
    // At once, and not after the wait of the clients.
    expect(connected.size).toBe(4)
    await until(() => session.figures().lanes.every(({ state }) => state === 'live'))
    expect(session.figures().lanes.map(({ reconnects }) => reconnects)).toEqual([1, 1, 1, 1])
  })

  test('leaves the latencies of actions out, and keeps those of the steady rate', async () => {
    await burst(2)
    deliver()
    expect(lane('sse')?.p50).toBeUndefined()
    session.setRate(1000)
    await Bun.sleep(5)
    await until(() => published.length > 10)
    session.setRate(0)
    deliver(2)
    expect(lane('sse')?.p50).toBeNumber()
  })

  test('notices that the server is unreachable, and that it is back', async () => {
    await until(() => connected.size === 4)
    isReachable = false
    for (const handlers of [...connected.values()]) handlers.onEnd({ verdict: 'retry', retryAfter: 60_000 })
    await until(() => session.figures().action === 'outage')
    await until(() => session.figures().trouble !== '')
    isReachable = true
    for (const lane of session.lanes) lane.reconnect()
    await until(() => !session.isBusy)
    deliver()
    expect(session.figures().headline?.text).toBe('Server unreachable: every lane has every event, once and in order.')
    expect(lane('poll')?.recovery).toBeNumber()
  }, 20_000)
})
