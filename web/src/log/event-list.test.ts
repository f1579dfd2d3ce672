import { describe, expect, test } from 'bun:test'
import type { StreamEvent } from '../sse/protocol.ts'
import { EventList } from './event-list.ts'

const event = (position: number): StreamEvent => ({
  position,
  channel: 'a',
  type: 'b',
  data: null,
  time: '2026-01-01T00:00:00.000Z',
})
const events = (...positions: number[]) => positions.map(event)
const positionsOf = (list: EventList) => Array.from({ length: list.count }, (_, index) => list.at(index)?.position)

describe('an event list', () => {
  test('shows the newest event first, from pages and from the stream', () => {
    const list = new EventList()
    list.addOlder(events(6, 5))
    list.addOlder(events(4, 3))
    list.hold(events(7, 8))
    list.release()
    expect(positionsOf(list)).toEqual([8, 7, 6, 5, 4, 3])
    expect(list.oldest).toBe(3)
    expect(list.at(6)).toBeUndefined()
  })

  test('does not show events that are held back until they are released', () => {
    const list = new EventList()
    list.addOlder(events(1))
    list.hold(events(2, 3))
    expect([list.count, list.heldCount]).toEqual([1, 2])
    expect(list.release()).toEqual({ added: 2, isTrimmed: false })
    expect([list.count, list.heldCount]).toEqual([3, 0])
    expect(list.release()).toEqual({ added: 0, isTrimmed: false })
  })

  test('is full when as many events are held back as it may hold', () => {
    const list = new EventList({ maxHeld: 2 })
    list.hold(events(1))
    expect(list.isFull).toBe(false)
    list.hold(events(2))
    expect(list.isFull).toBe(true)
    list.release()
    expect(list.isFull).toBe(false)
  })

  test('drops the oldest events beyond its maximum, and reports it', () => {
    const list = new EventList({ max: 3 })
    list.addOlder(events(2, 1))
    list.hold(events(3))
    expect(list.release().isTrimmed).toBe(false)
    list.hold(events(4, 5))
    expect(list.release()).toEqual({ added: 2, isTrimmed: true })
    expect(positionsOf(list)).toEqual([5, 4, 3])
    expect(list.oldest).toBe(3)
  })

  test('is empty after clear, without events that are held back', () => {
    const list = new EventList()
    list.addOlder(events(1))
    list.hold(events(2))
    list.clear()
    expect([list.count, list.heldCount, list.oldest]).toEqual([0, 0, undefined])
  })
})
