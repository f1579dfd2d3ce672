import { afterEach, beforeEach, expect, jest, test } from 'bun:test'
import { type KeptCursor, keepCursor } from './kept-cursor.ts'
import { fakeBrowser } from './testing/fake-browser.ts'

let restore: () => void
let kept: KeptCursor
let cursor: string | undefined

beforeEach(() => {
  restore = fakeBrowser()
  jest.useFakeTimers()
  cursor = undefined
})
afterEach(() => {
  kept.stop()
  jest.useRealTimers()
  restore()
})

const keep = (name = 'orders') => {
  kept = keepCursor(name, () => cursor)
  return kept
}
/** What a page that is loaded now would resume at. */
const stored = (name = 'orders') => {
  const next = keepCursor(name, () => undefined)
  next.stop()
  return next.stored
}

test('a cursor is stored every second, under its name', () => {
  expect(keep().stored).toBeUndefined()
  jest.advanceTimersByTime(1000)
  expect(stored()).toBeUndefined()
  cursor = '42-k3f9'
  jest.advanceTimersByTime(999)
  expect(stored()).toBeUndefined()
  jest.advanceTimersByTime(1)
  expect([stored(), stored('tasks')]).toEqual(['42-k3f9', undefined])
})

test('a cursor is stored when the page is left', () => {
  keep()
  cursor = '43-k3f9'
  globalThis.dispatchEvent(new Event('pagehide'))
  expect(stored()).toBe('43-k3f9')
})

test('a cursor is stored once more at the end, and not after', () => {
  keep()
  cursor = '44-k3f9'
  kept.stop()
  cursor = '45-k3f9'
  jest.advanceTimersByTime(5000)
  globalThis.dispatchEvent(new Event('pagehide'))
  expect(stored()).toBe('44-k3f9')
})
