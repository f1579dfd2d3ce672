import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import type { StartingPoint } from './cursor.ts'
import type { Gap, StreamEvent } from './protocol.ts'
import { Subscription } from './subscription.ts'
import { fakeBrowser } from './testing/fake-browser.ts'

/** A request for a page of history, which the test responds to. */
interface Request {
  after: string | null
  respond: (page: { positions?: number[]; cursor: string; more?: boolean; gap?: Gap }) => Promise<void>
  fail: () => Promise<void>
}

let requests: Request[]
let restore: () => void
let got: (number | string)[]

beforeEach(() => {
  requests = []
  got = []
  restore = fakeBrowser((url) => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    requests.push({
      after: url.searchParams.get('after'),
      respond({ positions = [], more = false, ...page }) {
        resolve(Response.json({ ...page, more, events: positions.map((position) => event(position)) }))
        return settle()
      },
      fail() {
        resolve(new Response(null, { status: 503 }))
        return settle()
      },
    })
    return promise
  })
})
afterEach(() => {
  jest.useRealTimers()
  restore()
})

const settle = async () => {
  for (let count = 0; count < 60; count++) await Promise.resolve()
}
const event = (position: number, channel = 'orders.1'): StreamEvent => ({
  position,
  channel,
  type: 't',
  data: null,
  time: '2026-11-21T10:00:00.000Z',
})
const offer = (subscription: Subscription, position: number, epoch = 'a', channel?: string) =>
  subscription.offer(event(position, channel), `${position}-${epoch}`)

function subscribe(after?: StartingPoint, onEvent: (position: number) => void = () => {}): Subscription {
  return new Subscription(
    {
      channels: ['orders.>'],
      after,
      onEvent({ position }) {
        got.push(position)
        onEvent(position)
      },
      onGap: ({ to, reason }) => got.push(`${reason} ${to}`),
    },
    '/events',
  )
}

describe('a subscription', () => {
  test('begins where the connection is when it has no cursor', () => {
    const subscription = subscribe()
    subscription.join(['orders.>'], '5-a')
    for (const position of [5, 6, 6, 4, 7]) offer(subscription, position)
    expect([got, subscription.cursor, requests.length]).toEqual([[6, 7], '7-a', 0])
  })

  test('begins at its cursor without history when the connection is there', () => {
    const subscription = subscribe('5-a')
    subscription.join(['orders.>'], '5-a')
    offer(subscription, 6)
    expect([got, requests.length]).toEqual([[6], 0])
  })

  test('begins at a position that a user chose', async () => {
    const subscription = subscribe(5)
    subscription.join(['>'], '6-a')
    expect(requests[0]?.after).toBe('5')
    await requests[0]?.respond({ positions: [6], cursor: '6-a' })
    offer(subscription, 7)
    expect([got, subscription.cursor]).toEqual([[6, 7], '7-a'])
  })

  test('receives only events of its channels', () => {
    const subscription = subscribe()
    subscription.join(['>'], '5-a')
    offer(subscription, 6, 'a', 'tasks.1')
    offer(subscription, 7)
    expect(got).toEqual([7])
  })

  test('receives nothing before it has joined, and does not join a connection without its channels', () => {
    const subscription = subscribe()
    offer(subscription, 6)
    subscription.join(['orders.1'], '5-a')
    expect([subscription.isJoined, subscription.cursor]).toEqual([false, undefined])
    subscription.advance('9-a')
    subscription.passGap({ from: 5, to: 8, reason: 'purged' }, '8-a')
    expect([got, subscription.cursor]).toEqual([[], undefined])
  })

  test('moves its cursor with the connection, forward only', () => {
    const subscription = subscribe()
    subscription.join(['orders.>'], '5-a')
    subscription.advance('9-a')
    subscription.advance('7-a')
    expect(subscription.cursor).toBe('9-a')
  })

  test('survives an error of its listener', () => {
    const reported: unknown[] = []
    const before = globalThis.reportError
    globalThis.reportError = (error: unknown) => void reported.push(error)
    const subscription = subscribe(undefined, () => {
      throw new Error('listener')
    })
    subscription.join(['orders.>'], '5-a')
    offer(subscription, 6)
    offer(subscription, 7)
    globalThis.reportError = before
    expect([got, reported.length]).toEqual([[6, 7], 2])
  })
})

describe('a subscription that catches up', () => {
  test('reads the history after its cursor, then delivers what arrived meanwhile, once and in order', async () => {
    const subscription = subscribe('2-a')
    subscription.join(['orders.>'], '5-a')
    offer(subscription, 6)
    offer(subscription, 7)
    expect([got, requests[0]?.after]).toEqual([[], '2-a'])
    await requests[0]?.respond({ positions: [3, 5, 6], cursor: '6-a' })
    expect([got, subscription.cursor]).toEqual([[3, 5, 6, 7], '7-a'])
    offer(subscription, 8)
    expect([got.at(-1), subscription.cursor]).toEqual([8, '8-a'])
  })

  test('is at the cursor of the connection when the history has nothing', async () => {
    const subscription = subscribe('2-a')
    subscription.join(['orders.>'], '5-a')
    await requests[0]?.respond({ cursor: '9-a' })
    expect([got, subscription.cursor]).toEqual([[], '5-a'])
  })

  test('is not moved by the connection while it reads', async () => {
    const subscription = subscribe('2-a')
    subscription.join(['orders.>'], '5-a')
    subscription.advance('9-a')
    expect(subscription.cursor).toBe('2-a')
  })

  test('tries again after a second, from the last page that was read', async () => {
    jest.useFakeTimers()
    const subscription = subscribe('2-a')
    subscription.join(['orders.>'], '9-a')
    await requests[0]?.respond({ positions: [3, 4], cursor: '4-a', more: true })
    await requests[1]?.fail()
    jest.advanceTimersByTime(999)
    await settle()
    expect(requests).toHaveLength(2)
    jest.advanceTimersByTime(1)
    await settle()
    expect(requests.map(({ after }) => after)).toEqual(['2-a', '4-a', '4-a'])
    await requests[2]?.respond({ positions: [4, 8], cursor: '9-a' })
    expect([got, subscription.cursor]).toEqual([[3, 4, 8], '9-a'])
  })

  test('continues at its cursor when it leaves and joins again', async () => {
    const subscription = subscribe('2-a')
    subscription.join(['orders.>'], '5-a')
    offer(subscription, 6)
    subscription.leave()
    expect(subscription.isJoined).toBe(false)
    await requests[0]?.respond({ positions: [3], cursor: '5-a' })
    expect([got, subscription.cursor]).toEqual([[], '2-a'])
    subscription.join(['orders.>'], '7-a')
    await requests[1]?.respond({ positions: [3, 6, 7], cursor: '7-a' })
    expect([got, subscription.cursor]).toEqual([[3, 6, 7], '7-a'])
  })

  test('delivers nothing after its listener has ended it', async () => {
    const subscription = subscribe('2-a', () => subscription.leave())
    subscription.join(['orders.>'], '5-a')
    offer(subscription, 6)
    await requests[0]?.respond({ positions: [3, 4], cursor: '5-a' })
    expect(got).toEqual([3])
    subscription.join(['orders.>'], '6-a')
    await requests[1]?.respond({ cursor: '6-a' })
    expect(got).toEqual([3])
  })

  test('stops delivering what was held back when its listener ends it', async () => {
    const subscription = subscribe('5-a', () => subscription.leave())
    subscription.join(['orders.>'], '6-a')
    offer(subscription, 7)
    offer(subscription, 8)
    await requests[0]?.respond({ cursor: '6-a' })
    expect([got, subscription.cursor]).toEqual([[7], '7-a'])
  })

  test('reads the history again when more arrives than it holds back', async () => {
    const subscription = subscribe('2-a')
    subscription.join(['orders.>'], '5-a')
    for (let position = 6; position <= 10_010; position++) offer(subscription, position)
    await requests[0]?.respond({ positions: [3], cursor: '5-a' })
    // Nothing that was held back is delivered before the history has been read to its end.
    expect([got, requests[1]?.after]).toEqual([[3], '5-a'])
    offer(subscription, 10_011)
    await requests[1]?.respond({ positions: [6, 10_010], cursor: '10010-a' })
    expect([got, subscription.cursor]).toEqual([[3, 6, 10_010, 10_011], '10011-a'])
  })
})

describe('a gap', () => {
  test('of the connection is reported, and is behind the subscription', () => {
    const subscription = subscribe()
    subscription.join(['orders.>'], '5-a')
    subscription.passGap({ from: 5, to: 9, reason: 'purged' }, '9-a')
    offer(subscription, 9)
    offer(subscription, 10)
    expect([got, subscription.cursor]).toEqual([['purged 9', 10], '10-a'])
  })

  test('that is behind the cursor already is none', () => {
    const subscription = subscribe()
    subscription.join(['orders.>'], '9-a')
    subscription.passGap({ from: 5, to: 9, reason: 'lost' }, '9-a')
    expect(got).toEqual([])
  })

  test('of a log that was set back starts de-duplication over', () => {
    const subscription = subscribe()
    subscription.join(['orders.>'], '90-a')
    offer(subscription, 91)
    subscription.passGap({ from: 91, to: 10, reason: 'unknown' }, '10-b')
    offer(subscription, 11, 'b')
    offer(subscription, 11, 'b')
    offer(subscription, 12, 'b')
    expect([got, subscription.cursor]).toEqual([[91, 'unknown 10', 11, 12], '12-b'])
  })

  test('of a log that was set back ends the reading of the old one', async () => {
    const subscription = subscribe('50-a')
    subscription.join(['orders.>'], '90-a')
    offer(subscription, 91)
    subscription.passGap({ from: 91, to: 10, reason: 'unknown' }, '10-b')
    offer(subscription, 11, 'b')
    await requests[0]?.respond({ positions: [51, 52], cursor: '90-a' })
    offer(subscription, 12, 'b')
    expect([got, subscription.cursor, subscription.isJoined]).toEqual([['unknown 10', 11, 12], '12-b', true])
  })

  test('that arrives while the history is read comes after it', async () => {
    const subscription = subscribe('2-a')
    subscription.join(['orders.>'], '5-a')
    subscription.passGap({ from: 5, to: 9, reason: 'purged' }, '9-a')
    offer(subscription, 10)
    await requests[0]?.respond({ positions: [3, 4], cursor: '5-a' })
    expect([got, subscription.cursor]).toEqual([[3, 4, 'purged 9', 10], '10-a'])
  })

  test('of the history is reported, and events continue behind it', async () => {
    const subscription = subscribe('50-a')
    subscription.join(['orders.>'], '12-b')
    offer(subscription, 13, 'b')
    await requests[0]?.respond({ gap: { from: 50, to: 10, reason: 'unknown' }, positions: [11, 12], cursor: '12-b' })
    expect([got, subscription.cursor]).toEqual([['unknown 10', 11, 12, 13], '13-b'])
  })

  test('of the history beyond the connection leaves out what was held back before it', async () => {
    const subscription = subscribe('50-a')
    subscription.join(['orders.>'], '12-b')
    offer(subscription, 13, 'b')
    await requests[0]?.respond({ gap: { from: 50, to: 14, reason: 'unknown' }, cursor: '14-b' })
    offer(subscription, 15, 'b')
    expect([got, subscription.cursor]).toEqual([['unknown 14', 15], '15-b'])
  })
})
