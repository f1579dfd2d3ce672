import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { parseChannel } from './channel.ts'
import { escapeToken, unescapeToken } from './token.ts'

describe('a token made of any text', () => {
  test.each([
    ['alice', 'alice'],
    ['alice@example.com', 'alice@example%2Ecom'],
    ['auth0|5f.>', 'auth0|5f%2E%3E'],
    ['a b', 'a%20b'],
    ['*', '%2A'],
    ['100%', '100%25'],
    ['%2E', '%252E'],
    ['a\nb', 'a%0Ab'],
    ['a\u202eb', 'a%E2%80%AEb'],
    ['größe', 'größe'],
  ])('escapes what has a meaning in channels: %p is %p', (text, token) => {
    expect(escapeToken(text)).toBe(token)
    expect(unescapeToken(token)).toBe(text)
  })

  test('is one valid token, from which the text can be restored', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        const token = escapeToken(text)
        expect(token).not.toContain('.')
        expect(parseChannel(`orders.${token}.1`)).toBe(`orders.${token}.1`)
        expect(unescapeToken(token)).toBe(text)
      }),
    )
  })
})
