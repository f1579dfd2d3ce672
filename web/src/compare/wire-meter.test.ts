import { describe, expect, test } from 'bun:test'
import { frameBytes, HEADERS, WireMeter } from './wire-meter.ts'

test('a frame has a header of 2, 4 or 10 bytes before its payload, which is UTF-8', () => {
  const of = (length: number) => frameBytes('x'.repeat(length))
  expect([of(0), of(125), of(126), of(65_535), of(65_536)]).toEqual([2, 127, 130, 65_539, 65_546])
  expect(frameBytes('é')).toBe(4)
})

describe('the meter of a lane', () => {
  test('counts a stream as one request, with its headers, and in use until it is closed', () => {
    const meter = new WireMeter()
    meter.opened(100)
    expect(meter.bytes).toBe(0)
    meter.responded()
    meter.received(50)
    expect([meter.bytes, meter.requests, meter.busy(400)]).toEqual([HEADERS + 50, 1, 300])
    meter.closed(500)
    expect(meter.busy(900)).toBe(400)
    meter.closed(900)
    expect(meter.busy(900)).toBe(400)
  })

  test('counts requests of polling as the browser reports them, in use while they run', () => {
    const meter = new WireMeter()
    meter.ended({ transferSize: 400, startTime: 10, responseEnd: 30 })
    meter.ended({ transferSize: 500, startTime: 110, responseEnd: 115 })
    expect([meter.bytes, meter.requests, meter.busy(1000)]).toEqual([900, 2, 25])
  })

  test('counts a lane that always waits as in use all the time', () => {
    const meter = new WireMeter()
    meter.waiting(0)
    meter.ended({ transferSize: 400, startTime: 0, responseEnd: 600 })
    expect([meter.requests, meter.busy(1000)]).toEqual([1, 1000])
  })
})
