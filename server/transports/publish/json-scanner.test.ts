import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { JsonScanner, type JsonVisitor, NestingError } from './json-scanner.ts'

const NOTHING: JsonVisitor = { open() {}, key() {}, value() {} }

function scan(bytes: Uint8Array, step = 1 << 20, visitor = NOTHING): void {
  const scanner = new JsonScanner(bytes, visitor, 100)
  while (!scanner.advance(step));
}

/** Whether both take a text, or both refuse it. */
const outcomes = (text: string, step?: number) => {
  const outcome = (action: () => void) => {
    try {
      action()
      return 'valid'
    } catch (error) {
      return (error as Error).name
    }
  }
  return [outcome(() => scan(Buffer.from(text), step)), outcome(() => JSON.parse(text))] as const
}

test.each(['"\\u09aF"', '"\\uafAF"'])('the hexadecimal digits of %p are valid', (text) => {
  expect(outcomes(text)).toEqual(['valid', 'valid'])
})

test.each(['"\\u000g"', '"\\u000G"', '"\\u000`"', '"\\u000@"', '"\\u000/"', '"\\u000:"', '"\\u00"'])(
  'those of %p are not',
  (text) => {
    expect(outcomes(text)).toEqual(['SyntaxError', 'SyntaxError'])
  },
)

test('the scanner accepts any JSON, in steps of any length', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 20 }), fc.integer({ min: 1, max: 20 }), (text, step) => {
      scan(Buffer.from(text), step)
      scan(Buffer.from(JSON.stringify(JSON.parse(text), null, 2)), step)
    }),
  )
})

test('the scanner refuses what JSON.parse refuses, and nothing else', () => {
  const pieces = fc.constantFrom(
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '""',
      '\\',
      '\\u00e9',
      '\\u12',
      '\\x',
      'true',
      'nul',
      'null',
      '-',
      '0',
    ],
    ...['01', '1', '1.', '.5', '1e', 'e5', '1.5e+3', '-0', ' ', '\n', '\t', '\f', '\u00a0', '\u0001', 'é', '/'],
  )
  const edited = fc.tuple(fc.json(), fc.nat(), pieces).map(([text, at, piece]) => {
    const position = at % (text.length + 1)
    return text.slice(0, position) + piece + text.slice(position + (at % 2))
  })
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 12 }).map((all) => all.join('')),
    edited,
  )
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 9 }), (text, step) => {
      if (!text.isWellFormed()) return
      const [ours, reference] = outcomes(text, step)
      expect(ours).toBe(reference)
    }),
    { numRuns: 2000 },
  )
})

test.each(['', ' ', '1 2', '[1,]', '{"a":1,}', '{"a"}', '[}', '"a\nb"', '"\\u00g0"', '"\\', '+1', 'NaN', "'a'", ']'])(
  '%p is refused with its position',
  (text) => {
    expect(() => scan(Buffer.from(text))).toThrow(SyntaxError)
    expect(() => scan(Buffer.from(text))).toThrow(/at byte \d+$|ends too early/)
  },
)

describe('levels of arrays and objects', () => {
  test('are limited to the allowed number', () => {
    scan(Buffer.from('['.repeat(100) + ']'.repeat(100)))
    expect(() => scan(Buffer.from('['.repeat(101)))).toThrow(NestingError)
    expect(() => scan(Buffer.from('{"a":'.repeat(101)))).toThrow(NestingError)
  })
})

test('the scanner reports the outer levels with their positions', () => {
  const text = ' [ {"a" : [1, [2]], "b":"x"}, 7 ]'
  const seen: unknown[] = []
  scan(Buffer.from(text), 1, {
    open: (depth, isArray) => seen.push([depth, isArray ? '[' : '{']),
    key: (depth, start, end) => seen.push([depth, text.slice(start, end)]),
    value: (depth, start, end) => seen.push([depth, text.slice(start, end)]),
  })
  expect(seen).toEqual([
    [0, '['],
    [1, '{'],
    [2, '"a"'],
    [2, '['],
    [2, '[1, [2]]'],
    [2, '"b"'],
    [2, '"x"'],
    [1, '{"a" : [1, [2]], "b":"x"}'],
    [1, '7'],
    [0, '[ {"a" : [1, [2]], "b":"x"}, 7 ]'],
  ])
})
