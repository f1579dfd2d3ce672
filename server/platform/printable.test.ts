import { describe, expect, test } from 'bun:test'
import { escapeControls, escapeControlsOfLines } from './printable.ts'

describe('text that is printed', () => {
  test.each([
    ['\u001b[31m', '\\u001b[31m'],
    ['\u009b2J', '\\u009b2J'],
    ['a\rb\nc\td\u0007\u007f', 'a\\u000db\\u000ac\\u0009d\\u0007\\u007f'],
    ['\u202eevil\u2066\u200f\u061c', '\\u202eevil\\u2066\\u200f\\u061c'],
    ['line\u2028and\u2029paragraph\ufeff', 'line\\u2028and\\u2029paragraph\\ufeff'],
    ['Grüße, 東京 🍵 \\u001b', 'Grüße, 東京 🍵 \\u001b'],
  ])('%j is shown as %s', (text, shown) => {
    expect(escapeControls(text)).toBe(shown)
  })

  test('as JSON stays the same JSON', () => {
    const value = { '\u009b\u202e': 'a\u0085b\u2028\u001b\u007f' }
    expect(JSON.parse(escapeControls(JSON.stringify(value)))).toEqual(value)
  })

  test('keeps its lines where it has several', () => {
    expect(escapeControlsOfLines('Error: x\n  at \u001by\r\n')).toBe('Error: x\n  at \\u001by\\u000d\n')
  })
})
