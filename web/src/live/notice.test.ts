import './testing/reactive-solid.ts'
import { expect, test } from 'bun:test'
import { dismissNotice, notice, showGap, showNotice } from './notice.ts'

test('a notice replaces the one before it, until it is dismissed', () => {
  showNotice('one')
  showNotice('two')
  expect(notice()).toBe('two')
  dismissNotice()
  expect(notice()).toBe('')
})

test.each([
  ['purged', { from: 4, to: 9, reason: 'purged' } as const, 'those from 5 to 9 were purged'],
  ['lost', { from: null, to: 9, reason: 'lost' } as const, 'Events from 1 to 9 are missing'],
  ['unknown', { from: 90, to: 10, reason: 'unknown' } as const, 'restored from a backup'],
])('the notice of a gap of reason %p says what was lost, and that the page was reloaded', (_, gap, text) => {
  showGap(gap)
  expect(notice()).toContain(text)
  expect(notice()).toContain('reloaded')
})
