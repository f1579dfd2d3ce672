import { describe, expect, test } from 'bun:test'
import { isLiteral, matches, parseChannel, parsePattern } from './channel.ts'

describe('the name of a channel', () => {
  test.each([
    'broadcast',
    'orders.alice.17',
    'a.b.c.d',
    'größe.日本',
    'a-b_c:d/e@f',
    'x'.repeat(255),
    `${'a.'.repeat(15)}a`,
  ])('can be %p', (name) => {
    expect(parseChannel(name)).toBe(name)
  })

  test.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    'a b',
    'a\tb',
    'a\nb',
    'a\u0000',
    'a.*',
    'orders.>',
    'x'.repeat(256),
    '😀'.repeat(256),
    '\ud800',
    'a\u0085',
    'a\u2028b',
    'a\u202eb',
    `${'a.'.repeat(16)}a`,
    7,
    null,
    undefined,
  ])('can not be %p', (name) => {
    expect(() => parseChannel(name)).toThrow(expect.objectContaining({ code: 'channel.invalid', status: 400 }))
  })
})

describe('a pattern', () => {
  test.each(['orders.alice.17', '*', '>', 'orders.*', 'orders.*.paid', '*.*', 'orders.>', '*.>'])(
    'can be %p',
    (pattern) => {
      expect(parsePattern(pattern)).toBe(pattern)
    },
  )

  test.each([
    '',
    '>.a',
    'a.>.b',
    'a.b*',
    'a.>>',
    '**',
    'a..>',
    ' ',
    'a\u009b.>',
    `${'*.'.repeat(16)}>`,
    7,
    null,
    undefined,
  ])('can not be %p', (pattern) => {
    expect(() => parsePattern(pattern)).toThrow(expect.objectContaining({ code: 'channel.invalid' }))
  })

  test.each([
    ['orders.alice.1', 'orders.alice.1', true],
    ['orders.alice.1', 'orders.alice.2', false],
    ['orders.*.1', 'orders.alice.1', true],
    ['orders.*.1', 'orders.1', false],
    ['orders.*', 'orders.alice.1', false],
    ['orders.>', 'orders.alice.1', true],
    ['orders.>', 'orders.alice', true],
    ['orders.>', 'orders', false],
    ['>', 'orders', true],
    ['*', 'orders', true],
    ['*', 'orders.alice', false],
    ['*.>', 'orders', false],
    ['a.+', 'a.b', false],
    ['>', 'sse.access', false],
    ['*.access', 'sse.access', false],
    ['*.>', 'sse.access', false],
    ['*', 'sse', false],
    ['sse.access', 'sse.access', true],
    ['sse.>', 'sse.access', true],
    ['>', 'ssex.access', true],
    ['a.*', 'a.sse', true],
  ])('%p and the channel %p: %p', (pattern, channel, expected) => {
    expect(matches(pattern, channel)).toBe(expected)
  })
  test.each([
    ['a', true],
    ['a.b', true],
    ['a.*', false],
    ['*', false],
    ['>', false],
    ['a.>', false],
  ])('%p names one channel: %p', (pattern, expected) => {
    expect(isLiteral(pattern)).toBe(expected)
  })
})
