import { describe, expect, test } from 'bun:test'
import { isName, isToken, NAME_PATTERN, shown, TOKEN_PATTERN } from './names.ts'

describe('a name', () => {
  test.each(['a', 'order.paid', 'größe 日本', 'x'.repeat(255), '😀'.repeat(255)])('can be %p', (name) => {
    expect(isName(name)).toBe(true)
    expect(new RegExp(NAME_PATTERN, 'u').test(name)).toBe(true)
  })

  test.each([
    '',
    'x'.repeat(256),
    '😀'.repeat(256),
    'a\n',
    '\u0000',
    'a\u007f',
    '\u0085',
    'a\u2028b',
    '\u202e',
    '\u2069',
  ])('can not be %p, by the pattern of the documents either', (name) => {
    expect(isName(name)).toBe(false)
    expect(new RegExp(NAME_PATTERN, 'u').test(name)).toBe(false)
  })

  test.each([5, null, undefined, '\ud800'])('can not be %p, which is no text', (value) => {
    expect(isName(value)).toBe(false)
  })
})

describe('a token of channels', () => {
  test.each(['alice', 'größe', 'a-b_c:d/e@f', 'x'.repeat(100)])('can be %p', (name) => {
    expect(isToken(name)).toBe(true)
  })

  test.each(['', 'a.b', 'a b', '*', '>', 'a*', 'x'.repeat(101), 'a\tb', 'a\u2066'])('can not be %p', (name) => {
    expect(isToken(name)).toBe(false)
    expect(new RegExp(TOKEN_PATTERN, 'u').test(name)).toBe(false)
  })
})

describe('a refused value in an error', () => {
  test('is JSON, with unsafe characters escaped', () => {
    expect(shown('a\u202eb\u009b')).toBe('"a\\u202eb\\u009b"')
    expect(shown(undefined)).toBe('undefined')
  })

  test('is cut after 80 characters', () => {
    expect(shown('x'.repeat(200))).toHaveLength(80)
  })
})
