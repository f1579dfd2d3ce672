import { expect, test } from 'bun:test'
import { Window } from './recent-events.ts'

const event = (position: number, size = 10) => ({
  position,
  channel: 'a',
  type: 't',
  data: JSON.stringify('x'.repeat(size)),
  time: new Date(0),
  origin: null,
})

test('an empty window serves cursors at its head', () => {
  const window = new Window(5, 1000)
  expect([window.head, window.tail]).toEqual([5, 5])
  expect(window.at(5)).toBeUndefined()
  expect(window.at(6)).toBeUndefined()
})

test('every event between tail and head is found by its position', () => {
  const window = new Window(5, 100_000)
  for (let position = 6; position <= 50; position++) window.push(event(position))
  expect([window.tail, window.head]).toEqual([5, 50])
  for (let position = 6; position <= 50; position++) expect(window.at(position)?.position).toBe(position)
})

test('it stays below its bytes by dropping the oldest', () => {
  const window = new Window(0, 50_000)
  for (let position = 1; position <= 20_000; position++) {
    window.push(event(position))
    expect(window.bytes).toBeLessThanOrEqual(50_000)
  }
  expect(window.head).toBe(20_000)
  expect(window.head - window.tail).toBeGreaterThan(50)
  expect(window.at(window.tail)).toBeUndefined()
  expect(window.at(window.tail + 1)?.position).toBe(window.tail + 1)
})

test('the newest event stays, however large', () => {
  const window = new Window(0, 100)
  window.push(event(1, 5000))
  expect(window.at(1)?.position).toBe(1)
  window.push(event(2, 5000))
  expect([window.tail, window.head]).toEqual([1, 2])
})

test('an event that does not follow is refused', () => {
  const window = new Window(5, 1000)
  expect(() => window.push(event(7))).toThrow('does not follow')
  expect(() => window.push(event(5))).toThrow('does not follow')
})

test('after a reset it goes on at the new head', () => {
  const window = new Window(0, 10_000)
  window.push(event(1))
  window.reset(90)
  expect([window.tail, window.head, window.bytes]).toEqual([90, 90, 0])
  window.push(event(91))
  expect(window.at(91)?.position).toBe(91)
})
