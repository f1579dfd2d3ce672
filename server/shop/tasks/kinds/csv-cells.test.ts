import { describe, expect, test } from 'bun:test'
import { createRandom } from '../../../platform/random.ts'
import { markFormulas, toCsv, unmarkFormulas } from './csv-cells.ts'

describe('a cell', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['a;=1+1', "a;'=1+1"],
    ['a;"=1+1";b', `a;"'=1+1";b`],
    ['\t=1', "\t'=1"],
    ['  @SUM(A1)', "  '@SUM(A1)"],
    ['＝1', "'＝1"],
    ["'=1", "''=1"],
    ['-1+cmd|x', "'-1+cmd|x"],
    ['-5', '-5'],
    ['ann,EUR,A1,Tea,-1,+450', 'ann,EUR,A1,Tea,-1,+450'],
    ['a=b, c - d', 'a=b, c - d'],
    ['O’Hara; it\'s "x"', 'O’Hara; it\'s "x"'],
  ])('%j is written as %j, and read back', (text, marked) => {
    expect(markFormulas(text)).toBe(marked)
    expect(unmarkFormulas(marked)).toBe(text)
  })

  test('of any characters is read back as it was', () => {
    const random = createRandom(1)
    const characters = [...`'"=+-@;,\t\n 15.a`]
    for (let count = 0; count < 20_000; count++) {
      const text = Array.from(
        { length: Math.floor(random() * 12) },
        () => characters[Math.floor(random() * characters.length)],
      ).join('')
      expect(unmarkFormulas(markFormulas(text))).toBe(text)
    }
  })

  // A pattern that backtracks from every character takes minutes of this, and the test times out.
  test.each(['\t', '"', ' ', "'", ",'", '1', '-1.'])('of 256 KiB of %j is marked without backtracking', (text) => {
    const cell = text.repeat(2 ** 18 / text.length)
    expect(unmarkFormulas(markFormulas(cell))).toBe(cell)
  })

  test('with another separator in it is quoted; numbers are not', () => {
    expect(toCsv([['a;b', 'c\td', 'e', 17, '-3']])).toBe('"a;b","c\td",e,17,-3\n')
  })
})
