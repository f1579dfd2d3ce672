import { describe, expect, test } from 'bun:test'
import { createEventMeter } from './event-meter.ts'

const at = (ms: number) => new Date(ms).toISOString()
const UNKNOWN = { rate: null, latency: null }

describe('an event meter', () => {
  test('counts the events of a second and measures the slowest', () => {
    const meter = createEventMeter()
    meter.watch(true, 1000)
    meter.add(at(1100), 1130)
    meter.add(at(1200), 1205)
    expect(meter.tick(2000)).toEqual({ rate: 2, latency: 30 })
    expect(meter.tick(3000)).toEqual({ rate: 0, latency: 0 })
  })

  test('does not know the figures of a second that it has not watched entirely', () => {
    const meter = createEventMeter()
    expect(meter.tick(1000)).toEqual(UNKNOWN)
    meter.watch(true, 1500)
    meter.add(at(1600), 1601)
    expect(meter.tick(2000)).toEqual(UNKNOWN)
    expect(meter.tick(3000)).toEqual({ rate: 0, latency: 0 })
    meter.watch(false, 3100)
    expect(meter.tick(4000)).toEqual(UNKNOWN)
  })

  test('ignores events that were published before it watched', () => {
    const meter = createEventMeter()
    meter.watch(true, 5000)
    meter.add(at(4999), 5500)
    meter.add(at(5000), 5500)
    expect(meter.tick(6000)).toEqual({ rate: 1, latency: 500 })
  })

  test('reports no negative latency when the clock of the server is ahead', () => {
    const meter = createEventMeter()
    meter.watch(true, 1000)
    meter.add(at(1900), 1500)
    expect(meter.tick(2000)).toEqual({ rate: 1, latency: 0 })
  })
})
