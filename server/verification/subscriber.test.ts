import { expect, test } from 'bun:test'
import { authExpiringFrame, closingFrame, concatenate, eventFrame, readyFrame } from '../transports/sse/frame.ts'
import { Subscriber } from './subscriber.ts'

const ready = readyFrame(
  {
    connection: '1',
    instance: 'i',
    channels: ['a'],
    cursor: '3-k',
    oldest: 1,
    head: 3,
    resumed: false,
    heartbeat: 1000,
  },
  50,
)
const event = (position: number, n: number) =>
  eventFrame({ position, channel: 'a', type: 'verify', data: `{"n":${n}}`, time: new Date(0), origin: null }, 'k')

test('a subscriber takes control events for no events of the log, and sends the headers of the moment when it reconnects', async () => {
  const requests: Headers[] = []
  using server = Bun.serve({
    port: 0,
    fetch({ headers }) {
      requests.push(headers)
      return new Response(
        concatenate([
          ready,
          event(4, 0),
          authExpiringFrame({ expiresAt: new Date(0).toISOString() }, '6-k'),
          closingFrame({ reason: 'expired', retry: 50 }, '6-k'),
        ]),
      )
    },
  })
  const reconnected = Promise.withResolvers<void>()
  const numbers: number[] = []
  let connection = 0
  const subscriber = new Subscriber({
    urls: [`http://127.0.0.1:${server.port}`],
    channels: ['a'],
    headers: () => {
      if (++connection === 3) reconnected.resolve()
      return { 'x-connection': String(connection) }
    },
    // Of the numbers that are none, none is wanted.
    wants: (n) => n === 0,
    random: Math.random,
    onEvent: (n) => numbers.push(n),
  })
  await reconnected.promise
  subscriber.stop()
  const { ledger, closings, gaps } = subscriber
  expect(requests.slice(0, 2).map((headers) => headers.get('x-connection'))).toEqual(['1', '2'])
  expect(requests[1]?.get('last-event-id')).toBe('6-k')
  expect(numbers.slice(0, 2)).toEqual([0, 0])
  expect([ledger.delivered, ledger.foreign, ledger.lastPosition, gaps]).toEqual([1, 0, 6, 0])
  expect(closings[0]).toEqual({ reason: 'expired', retry: 50, at: expect.any(Number) })
})
