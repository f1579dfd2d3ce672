import { describe, expect, test } from 'bun:test'
import { formatLatency, judge } from './figures.ts'

const figures = { sent: 10, acknowledged: 10, delivered: 40, outstanding: 0, missing: 0, duplicated: 0, reordered: 0 }

describe('the verdict of the ledger', () => {
  test('is neutral while nothing was published, and while nothing has arrived', () => {
    expect(judge({ ...figures, acknowledged: 0, delivered: 0 })).toEqual({
      text: 'nothing published yet',
      state: 'none',
    })
    expect(judge({ ...figures, delivered: 0 })).toEqual({ text: 'nothing received yet', state: 'none' })
  })

  test('is clean when every event arrived, and clean so far while events are outstanding', () => {
    expect(judge(figures)).toEqual({ text: 'clean', state: 'succeeded' })
    expect(judge({ ...figures, outstanding: 1 })).toEqual({ text: 'clean so far', state: 'succeeded' })
  })

  test.each(['missing', 'duplicated', 'reordered'] as const)('is not clean when an event is %s', (member) => {
    expect(judge({ ...figures, [member]: 1 })).toEqual({ text: 'NOT clean', state: 'failed' })
    // Evidence against is evidence, even without a delivery.
    expect(judge({ ...figures, acknowledged: 0, delivered: 0, [member]: 1 }).state).toBe('failed')
  })
})

test('a latency is a dash while there is none, and rounded to a millisecond', () => {
  expect([formatLatency(undefined), formatLatency(0), formatLatency(12.6)]).toEqual(['–', '0 ms', '13 ms'])
})
