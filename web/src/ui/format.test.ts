import { expect, test } from 'bun:test'
import { formatBytes, formatDuration, formatMoney, formatNumber } from './format.ts'

test('numbers have thousands separators', () => {
  expect(formatNumber(1234567)).toBe('1,234,567')
})

test('amounts are in the minor units of their currency', () => {
  expect(formatMoney(1250, 'EUR')).toBe('€12.50')
  expect(formatMoney(1250, 'JPY')).toBe('¥1,250')
})

test('a duration has its two largest units', () => {
  const seconds = (count: number) => formatDuration(count * 1000)
  expect([0, 59, 60, 61, 3600, 3661, 90_000].map(seconds)).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '1 min 1 s',
    '1 h',
    '1 h 1 min',
    '1 d 1 h',
  ])
  expect(seconds(-5)).toBe('0 s')
})

test('a size has one decimal from 1 kB on', () => {
  expect([0, 1023, 1024, 1536, 5 * 1024 ** 3, 2 * 1024 ** 5].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 kB',
    '1.5 kB',
    '5.0 GB',
    '2048.0 TB',
  ])
})
