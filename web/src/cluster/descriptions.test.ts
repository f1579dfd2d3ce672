import { expect, test } from 'bun:test'
import type { ClusterView } from '../../../server/operations/cluster-schema.ts'
import { listeningState, relayState, retentionLimits, transportCounts } from './descriptions.ts'

type Status = ClusterView['instances'][number]['status']
const status = (change: Partial<Status>) =>
  ({ isDraining: false, isListening: true, relaying: false, ...change }) as Status
const settings = (retentionMs: number, retentionEvents: number) =>
  ({ retentionMs, retentionEvents }) as ClusterView['settings']

test('an instance that drains is shown as draining, whether it listens or not', () => {
  expect(listeningState(status({}))).toBe('yes')
  expect(listeningState(status({ isListening: false }))).toBe('no')
  expect(listeningState(status({ isDraining: true, isListening: false }))).toBe('draining')
})

test('the instance that relays is marked as active', () => {
  expect(relayState(status({ relayed: 1200 }))).toBe('1,200 moved')
  expect(relayState(status({ relayed: 3, relaying: true }))).toBe('active · 3 moved')
})

test('streams are counted by transport where some are no SSE', () => {
  expect(transportCounts(status({ transports: { sse: 3, websocket: 0, poll: 1200 } }))).toBe(
    '3 SSE · 1,200 long-polling',
  )
  expect(transportCounts(status({ transports: { sse: 3, websocket: 0, poll: 0 } }))).toBe('')
  // Of an instance of an earlier version.
  expect(transportCounts(status({}))).toBe('')
})

test('retention of zero is no limit', () => {
  expect(retentionLimits(settings(0, 0))).toEqual({ time: 'no limit', count: 'no limit' })
  expect(retentionLimits(settings(7 * 86_400_000, 5000))).toEqual({ time: '7 d', count: '5,000 events' })
})
