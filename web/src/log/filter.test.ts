import { expect, test } from 'bun:test'
import { ALL_EVENTS, passes, toIso } from './filter.ts'

const event = { position: 1, channel: 'a', type: 'order.paid', data: null, time: '2026-03-04T05:06:07.000Z' }

test('passes every event without a type and a start', () => {
  expect(passes(ALL_EVENTS, event)).toBe(true)
})

test('passes only events of the type', () => {
  expect(passes({ ...ALL_EVENTS, type: 'order.paid' }, event)).toBe(true)
  expect(passes({ ...ALL_EVENTS, type: 'order' }, event)).toBe(false)
})

test('passes only events at the start or later, in local time', () => {
  const local = (iso: string) => {
    const time = new Date(iso)
    return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
  }
  expect(passes({ ...ALL_EVENTS, since: local('2026-03-04T05:06:07Z') }, event)).toBe(true)
  expect(passes({ ...ALL_EVENTS, since: local('2026-03-04T05:06:08Z') }, event)).toBe(false)
  expect(toIso(local('2026-03-04T05:06:08Z'))).toBe('2026-03-04T05:06:08.000Z')
  expect(toIso('')).toBeUndefined()
})
