import { expect, test } from 'bun:test'
import { SSE, UNNAMED_SSE } from '../transports/sse/encoding.ts'
import { RecentEvents } from './recent-events.ts'

const event = (position: number, size = 10) => ({
  position,
  channel: 'a',
  type: 't',
  data: JSON.stringify('x'.repeat(size)),
  time: new Date(0),
  origin: null,
})

test('without events it serves cursors at its head', () => {
  const recent = new RecentEvents(5, 1000, 'e1')
  expect([recent.head, recent.tail]).toEqual([5, 5])
  expect(recent.at(5)).toBeUndefined()
  expect(recent.at(6)).toBeUndefined()
})

test('every event between tail and head is found by its position', () => {
  const recent = new RecentEvents(5, 100_000, 'e1')
  for (let position = 6; position <= 50; position++) recent.push(event(position))
  expect([recent.tail, recent.head]).toEqual([5, 50])
  for (let position = 6; position <= 50; position++) expect(recent.at(position)?.position).toBe(position)
})

test('it stays below its bytes by dropping the oldest', () => {
  const recent = new RecentEvents(0, 50_000, 'e1')
  for (let position = 1; position <= 20_000; position++) {
    recent.push(event(position))
    expect(recent.bytes).toBeLessThanOrEqual(50_000)
  }
  expect(recent.head).toBe(20_000)
  expect(recent.head - recent.tail).toBeGreaterThan(50)
  expect(recent.at(recent.tail)).toBeUndefined()
  expect(recent.at(recent.tail + 1)?.position).toBe(recent.tail + 1)
})

test('the newest event stays, however large', () => {
  const recent = new RecentEvents(0, 100, 'e1')
  recent.push(event(1, 5000))
  expect(recent.at(1)?.position).toBe(1)
  recent.push(event(2, 5000))
  expect([recent.tail, recent.head]).toEqual([1, 2])
})

test('an event that does not follow is refused', () => {
  const recent = new RecentEvents(5, 1000, 'e1')
  expect(() => recent.push(event(7))).toThrow('does not follow')
  expect(() => recent.push(event(5))).toThrow('does not follow')
})

test('after a reset it continues at the new head', () => {
  const recent = new RecentEvents(0, 10_000, 'e1')
  recent.push(event(1))
  recent.reset(90)
  expect([recent.tail, recent.head, recent.bytes]).toEqual([90, 90, 0])
  recent.push(event(91))
  expect(recent.at(91)?.position).toBe(91)
})

test('an event is encoded once for each encoding, and its bytes count', () => {
  const recent = new RecentEvents(0, 100_000, 'e1')
  const first = recent.push(event(1))
  const before = recent.bytes
  const chunk = recent.encode(first, SSE)
  expect(recent.encode(first, SSE)).toBe(chunk)
  const unnamed = recent.encode(first, UNNAMED_SSE)
  expect(unnamed).not.toEqual(chunk)
  expect(recent.bytes).toBe(before + chunk.byteLength + unnamed.byteLength)
})

test('encoded bytes are within the bound too: the oldest events make room for them', () => {
  const recent = new RecentEvents(0, 50_000, 'e1')
  for (let position = 1; position <= 1000; position++) {
    recent.encode(recent.push(event(position)), SSE)
    expect(recent.bytes).toBeLessThanOrEqual(50_000)
  }
  const { tail } = recent
  for (let position = tail + 1; position <= 1000; position++) {
    const kept = recent.at(position)
    if (kept) recent.encode(kept, UNNAMED_SSE)
    expect(recent.bytes).toBeLessThanOrEqual(50_000)
  }
  expect(recent.tail).toBeGreaterThan(tail)
})

test('an event that was dropped is encoded all the same, and takes no room', () => {
  const recent = new RecentEvents(0, 1000, 'e1')
  const first = recent.push(event(1, 600))
  recent.push(event(2, 600))
  const before = recent.bytes
  expect(recent.encode(first, SSE).byteLength).toBeGreaterThan(600)
  expect(recent.bytes).toBe(before)
})

test('an entry costs 350 bytes besides its data, its channel and its chunks', () => {
  const recent = new RecentEvents(0, 100_000, 'e1')
  recent.push({ ...event(1), channel: 'orders', data: '"é"' })
  expect(recent.bytes).toBe(350 + 4 + 2 * 6)
})

test('the bound is inclusive', () => {
  const size = new RecentEvents(0, 100_000, 'e1')
  size.push(event(1))
  const recent = new RecentEvents(0, 2 * size.bytes, 'e1')
  recent.push(event(1))
  recent.push(event(2))
  expect([recent.tail, recent.bytes]).toEqual([0, 2 * size.bytes])
  recent.push(event(3))
  expect([recent.tail, recent.bytes]).toEqual([1, 2 * size.bytes])
})

test('what was dropped no longer counts, with its chunks', () => {
  const recent = new RecentEvents(0, 1500, 'e1')
  recent.encode(recent.push(event(1, 500)), SSE)
  recent.push(event(2, 600))
  const { bytes } = recent
  expect(recent.tail).toBe(1)
  const alone = new RecentEvents(1, 1500, 'e1')
  alone.push(event(2, 600))
  expect(bytes).toBe(alone.bytes)
})

test('a reset forgets events that were dropped and not cut off yet', () => {
  const recent = new RecentEvents(0, 2000, 'e1')
  for (let position = 1; position <= 100; position++) recent.push(event(position))
  recent.reset(200)
  expect([recent.tail, recent.bytes]).toEqual([200, 0])
  recent.push(event(201))
  expect([recent.tail, recent.at(201)?.position]).toEqual([200, 201])
  for (let position = 202; position <= 300; position++) recent.push(event(position))
  expect(recent.bytes).toBeLessThanOrEqual(2000)
})
