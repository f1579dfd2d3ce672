import { describe, expect, test } from 'bun:test'
import { formatCursor, parseLogCursor } from './cursor.ts'

describe('a cursor', () => {
  test('is read as it was written', () => {
    expect(parseLogCursor(formatCursor(42, 'k3f9'))).toEqual({ position: 42, epoch: 'k3f9' })
    expect(parseLogCursor(formatCursor(0, 'a'))).toEqual({ position: 0, epoch: 'a' })
  })

  test('may be a plain position, which has no epoch', () => {
    expect(parseLogCursor('42')).toEqual({ position: 42, epoch: null })
  })

  test('holds positions up to 2^53 - 1', () => {
    expect(parseLogCursor('9007199254740991-k3f9')?.position).toBe(Number.MAX_SAFE_INTEGER)
    expect(parseLogCursor('9007199254740992-k3f9')).toBeUndefined()
  })

  test.each([
    '',
    '-',
    '42-',
    '-k3f9',
    '42-K3F9',
    '42-k3f9-k3f9',
    '42 k3f9',
    '-1',
    '1.5',
    '1e3',
    ' 42',
    '42\n',
    'earliest',
    `42-${'a'.repeat(17)}`,
  ])('is not %p', (text) => {
    expect(parseLogCursor(text)).toBeUndefined()
  })
})
