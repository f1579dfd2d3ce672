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

test('any number comes out as it went in', () => {
  const digits = fc.stringMatching(/^[0-9]{1,25}$/)
  const whole = fc.stringMatching(/^(0|[1-9][0-9]{0,24})$/)
  const number = fc
    .tuple(fc.constantFrom('', '-'), whole, fc.option(digits, { nil: '' }), fc.constantFrom('', 'e5', 'E-7', 'e+400'))
    .map(([sign, integer, fraction, exponent]) => `${sign}${integer}${fraction && `.${fraction}`}${exponent}`)
  fc.assert(
    fc.property(fc.array(number), (numbers) => {
      const text = `{"a":[${numbers.join(',')}],"b.c":"1.5"}`
      expect(JSON.stringify(parseJsonKeepingNumbers(text))).toBe(text)
    }),
  )
})

test('what is not JSON throws', () => {
  expect(() => parseJsonKeepingNumbers('{"a":12345678901234567890')).toThrow(SyntaxError)
  expect(() => parseJsonKeepingNumbers('')).toThrow(SyntaxError)
})
