import { describe, expect, test } from 'bun:test'
import { Arrivals } from './arrivals.ts'

describe('the arrivals of a lane', () => {
  test('await what was published, until it arrives', () => {
    const arrivals = new Arrivals()
    arrivals.publish(2)
    expect([arrivals.published, arrivals.markOf(0), arrivals.timeOf(0)]).toEqual([2, 'awaited', 0])
    arrivals.arrive(0, 40)
    expect([arrivals.markOf(0), arrivals.timeOf(0), arrivals.markOf(1)]).toEqual(['arrived', 40, 'awaited'])
  })

  test('show a number that was skipped as missing, and one that came twice as doubled', () => {
    const arrivals = new Arrivals()
    arrivals.arrive(0, 1)
    arrivals.arrive(2, 2)
    arrivals.arrive(2, 3)
    expect([0, 1, 2].map((n) => arrivals.markOf(n))).toEqual(['arrived', 'missing', 'doubled'])
    expect([arrivals.published, arrivals.timeOf(2)]).toEqual([3, 2])
  })

  test('keep a number that arrives before its publisher was told', () => {
    const arrivals = new Arrivals()
    arrivals.arrive(0, 5)
    arrivals.publish(1)
    expect(arrivals.markOf(0)).toBe('arrived')
  })

  test('forget the oldest numbers in favour of new ones', () => {
    const arrivals = new Arrivals()
    arrivals.arrive(0, 5)
    arrivals.publish(8193)
    expect(arrivals.markOf(8192)).toBe('awaited')
  })

  test('report every change', () => {
    const arrivals = new Arrivals()
    let changes = 0
    arrivals.onChange = () => changes++
    arrivals.publish(1)
    arrivals.publish(1)
    arrivals.arrive(0, 1)
    expect(changes).toBe(2)
  })
})
