import { expect, test } from 'bun:test'
import { gapNote } from './tail.ts'

test.each([
  ['unknown', 'cursor 42-k3f9 is not of this log; continuing after position 50'],
  ['purged', 'events after position 42 were purged; continuing after position 50'],
  ['lost', 'events after position 42 were deleted from the log; continuing after position 50'],
] as const)('a gap of reason %s is explained in its own words', (reason, note) => {
  expect(gapNote(JSON.stringify({ from: 42, to: 50, reason }), '42-k3f9')).toBe(note)
})

test.each(['null', 'no JSON', '{"reason":"new"}'])('a gap of an unknown form is shown as it is: %s', (data) => {
  expect(gapNote(data)).toBe(`gap: ${data}`)
})
