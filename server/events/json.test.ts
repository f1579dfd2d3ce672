import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { parseJsonKeepingNumbers } from './json.ts'

test.each(['12345678901234567890', '{"a":[1e400,-0,1.10,0.30000000000000004441]}', '1E5', '[1.0]', '-0'])(
  '%p comes out as it went in',
  (text) => {
    expect(JSON.stringify(parseJsonKeepingNumbers(text))).toBe(text)
  },
)

test('any JSON parses to what JSON.parse gives', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.parse(JSON.stringify(parseJsonKeepingNumbers(text)))).toEqual(JSON.parse(text))
    }),
  )
})

test('what is not JSON throws', () => {
  expect(() => parseJsonKeepingNumbers('{"a":12345678901234567890')).toThrow(SyntaxError)
  expect(() => parseJsonKeepingNumbers('')).toThrow(SyntaxError)
})
