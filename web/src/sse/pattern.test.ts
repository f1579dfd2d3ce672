import { describe, expect, test } from 'bun:test'
import { matches as matchesOnServer, parsePattern } from '../../../server/protocol/channel.ts'
import { covers, matches, union } from './pattern.ts'

const CHANNELS = ['a', 'a.b', 'a.b.c', 'b', 'b.c', 'a.c.c']
const PATTERNS = ['a', 'a.b', '*', '>', 'a.>', 'a.*', '*.*', '*.b.>', 'a.*.c', 'a.b.c', '*.>']

test.each(PATTERNS)('%s matches what it matches on the server', (pattern) => {
  for (const channel of CHANNELS)
    expect(matches(pattern, channel)).toBe(matchesOnServer(parsePattern(pattern), channel))
})

describe('covering', () => {
  test('a pattern covers another when it matches all that the other matches', () => {
    for (const outer of PATTERNS) {
      for (const inner of PATTERNS) {
        if (covers(outer, inner))
          for (const channel of CHANNELS) if (matches(inner, channel)) expect(matches(outer, channel)).toBe(true)
      }
    }
    expect(covers('orders.>', 'orders.alice.*')).toBe(true)
    expect(covers('orders.*', 'orders.>')).toBe(false)
    expect(covers('>', '*')).toBe(true)
  })

  test('a union leaves out what is covered, and keeps each once', () => {
    expect(union(['tasks.bob.1', 'orders.>', 'tasks.bob.1', 'orders.alice.*', 'broadcast'])).toEqual([
      'broadcast',
      'orders.>',
      'tasks.bob.1',
    ])
  })
})
