import { expect, test } from 'bun:test'
import { CONTROL_EVENTS } from './control-events.ts'
import { parseType } from './event.ts'

test('no event may have the type of a control event', () => {
  for (const type of Object.keys(CONTROL_EVENTS)) {
    expect(() => parseType(type)).toThrow(expect.objectContaining({ code: 'type.reserved' }))
  }
})
