import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { Liveness } from './liveness.ts'

let time = 0
const clock = performance.now
beforeEach(() => {
  time = 1000
  performance.now = () => time
})
afterEach(() => {
  performance.now = clock
})

/** Of a stream that begins at 1,000 ms, with a heartbeat every 10 s and a stall timeout of 20 s. */
const liveness = (heartbeat = 10_000, stallTimeout = 20_000) => new Liveness(heartbeat, stallTimeout)

describe('a stream that takes more', () => {
  test('needs a comment after three seconds without a byte', () => {
    const stream = liveness()
    expect(stream.due(3999, true)).toBeUndefined()
    expect(stream.due(4000, true)).toBe('comment')
  })

  test('needs a heartbeat after the interval, rather than a comment', () => {
    const stream = liveness()
    expect(stream.due(10_999, true)).toBe('comment')
    expect(stream.due(11_000, true)).toBe('heartbeat')
  })

  test('needs a heartbeat although comments were written', () => {
    const stream = liveness()
    time = 9000
    stream.wrote('comment')
    expect(stream.due(10_999, true)).toBeUndefined()
    expect(stream.due(11_000, true)).toBe('heartbeat')
  })

  test('needs neither while events are written', () => {
    const stream = liveness()
    time = 9000
    stream.wrote('frame')
    expect(stream.due(11_999, true)).toBeUndefined()
    expect(stream.due(18_999, true)).toBe('comment')
    expect(stream.due(19_000, true)).toBe('heartbeat')
  })

  test('is not stalled, however long nothing was written', () => {
    expect(liveness(Number.POSITIVE_INFINITY).due(1_000_000, true)).toBe('comment')
  })
})

describe('a stream that takes nothing', () => {
  test('is stalled after the timeout, and needs nothing before', () => {
    const stream = liveness()
    expect(stream.due(20_999, false)).toBeUndefined()
    expect(stream.due(21_000, false)).toBe('stalled')
  })

  test('is not stalled when it took what was written meanwhile', () => {
    const stream = liveness()
    time = 15_000
    stream.progressed()
    expect(stream.due(34_999, false)).toBeUndefined()
    expect(stream.due(35_000, false)).toBe('stalled')
  })

  test('is not stalled when something could be written meanwhile', () => {
    const stream = liveness()
    time = 15_000
    stream.wrote('frame')
    expect(stream.due(34_999, false)).toBeUndefined()
  })

  test('is never stalled with a timeout of 0', () => {
    expect(liveness(10_000, 0).due(1_000_000, false)).toBeUndefined()
  })

  test('is stalled with a timeout of a millisecond', () => {
    expect(liveness(10_000, 1).due(1001, false)).toBe('stalled')
  })
})
