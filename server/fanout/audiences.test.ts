import { beforeEach, expect, test } from 'bun:test'
import { SILENT } from '../telemetry/telemetry.ts'
import { SSE, UNNAMED_SSE } from '../transports/sse/encoding.ts'
import { Audiences } from './audiences.ts'
import type { Cursor } from './cursor.ts'
import { RecentEvents } from './recent-events.ts'
import { createSelection } from './selection.ts'

let audiences: Audiences
beforeEach(() => {
  audiences = new Audiences(new RecentEvents(0, 1000, 'e1'), SILENT)
})

const cursor = () => ({}) as Cursor
const selection = createSelection(['a', 'b.>'])

test('streams with the same selection and encoding share an audience', () => {
  const audience = audiences.of(selection, SSE)
  expect(audiences.of(createSelection(['b.>', 'a']), SSE)).toBe(audience)
  expect(audiences.of(selection, UNNAMED_SSE)).not.toBe(audience)
  expect(audiences.of(createSelection(['a']), SSE)).not.toBe(audience)
})

test('a channel matches the audiences that selected it, once each', () => {
  const audience = audiences.of(createSelection(['a.*', 'a.b']), SSE)
  const other = audiences.of(createSelection(['>']), SSE)
  expect(new Set(audiences.match('a.b'))).toEqual(new Set([audience, other]))
  expect(audiences.match('a.b')).toHaveLength(2)
  expect(audiences.match('c')).toEqual([other])
})

test('the index grows by the size of a selection at most, and not when a stream joins an audience', () => {
  expect(audiences.growthFor(selection, SSE)).toBe(selection.size)
  audiences.of(selection, SSE)
  expect(audiences.indexSize).toBeGreaterThan(0)
  expect(audiences.indexSize).toBeLessThanOrEqual(selection.size)
  expect(audiences.growthFor(selection, SSE)).toBe(0)
  expect(audiences.growthFor(selection, UNNAMED_SSE)).toBe(selection.size)
})

test('an audience is removed with its last cursor', () => {
  const audience = audiences.of(selection, SSE)
  const [first, second] = [cursor(), cursor()]
  audience.cursors.add(first)
  audience.cursors.add(second)
  audiences.leave(audience, first)
  expect(audiences.match('a')).toEqual([audience])
  expect(audiences.of(selection, SSE)).toBe(audience)
  audiences.leave(audience, second)
  expect(audiences.match('a')).toEqual([])
  expect(audiences.indexSize).toBe(0)
  expect(audiences.of(selection, SSE)).not.toBe(audience)
})
