import { expect, test } from 'bun:test'
import { findUnstorable } from './storable.ts'

test.each([['text'], ['𝄞 😀'], [''], [1], [true], [null], [undefined], [{}], [[]], [{ a: ['b', { c: 'd' }] }]])(
  '%j can be stored',
  (value) => {
    expect(findUnstorable(value)).toBeUndefined()
  },
)

test.each([['a\0b'], [{ a: 'a\0' }], [{ 'a\0': 1 }], [['x', ['\0']]], [{ a: 1, b: { c: [null, '\0'] } }]])(
  '%j holds NUL',
  (value) => {
    expect(findUnstorable(value)).toContain('NUL')
  },
)

test.each([['\ud800'], ['a\udc00b'], [{ a: ['\ud83d'] }], [{ '\udfff': 1 }]])('%j holds a lone surrogate', (value) => {
  expect(findUnstorable(value)).toContain('surrogate')
})
