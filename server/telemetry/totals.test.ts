import { expect, test } from 'bun:test'
import { createTotals, openByTransport } from './totals.ts'

const NONE = {
  opened: 0,
  closed: { client: 0, replaced: 0, stalled: 0, shutdown: 0, error: 0, expired: 0, revoked: 0 },
}

test('every total is there from the start, at 0', () => {
  expect(createTotals().totals).toEqual({
    connections: { sse: NONE, websocket: NONE, poll: NONE },
    deliveredEvents: 0,
    deliveredBytes: 0,
    publishedEvents: 0,
    lostEvents: 0,
    refusedBodies: { too_slow: 0, too_many: 0, overloaded: 0 },
    reachedLimits: {
      streams_per_subject: 0,
      streams_per_address: 0,
      publish_rate: 0,
      request_rate: 0,
      pattern_rate: 0,
      socket_messages: 0,
      streams: 0,
      tasks_per_owner: 0,
      open_files: 0,
    },
  })
})

test('what is reported adds up, by transport and reason', () => {
  const { telemetry, totals } = createTotals()
  telemetry.connectionOpened('sse')
  telemetry.connectionOpened('sse')
  telemetry.connectionClosed('sse', 'stalled')
  telemetry.delivered(1000, 170_000)
  telemetry.delivered(2, 300)
  telemetry.published(3)
  telemetry.published(4)
  telemetry.bodyRefused('too_slow')
  telemetry.limitReached('publish_rate')
  telemetry.lostEvents(5)
  telemetry.lostEvents(1)
  expect(totals).toMatchObject({
    connections: { sse: { opened: 2, closed: { client: 0, stalled: 1 } } },
    deliveredEvents: 1002,
    deliveredBytes: 170_300,
    publishedEvents: 7,
    lostEvents: 6,
    refusedBodies: { too_slow: 1, too_many: 0 },
    reachedLimits: { streams_per_subject: 0, publish_rate: 1 },
  })
})

test('two instances in one process are counted apart', () => {
  const [first, second] = [createTotals(), createTotals()]
  first.telemetry.connectionOpened('sse')
  first.telemetry.bodyRefused('too_many')
  expect(second.totals.connections.sse.opened).toBe(0)
  expect(second.totals.refusedBodies.too_many).toBe(0)
})

test('what was opened and has not ended, for whatever reason, is open', () => {
  const { telemetry, totals } = createTotals()
  for (const transport of ['sse', 'sse', 'sse', 'poll'] as const) telemetry.connectionOpened(transport)
  telemetry.connectionClosed('sse', 'client')
  telemetry.connectionClosed('sse', 'stalled')
  expect(openByTransport(totals)).toEqual({ sse: 1, websocket: 0, poll: 1 })
})
