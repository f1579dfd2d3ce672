import { describe, expect, test } from 'bun:test'
import { InvalidArgumentError } from 'commander'
import { aboveZero, fromOne, fromZero } from './numbers.ts'

describe('an option that is a number', () => {
  test('is a whole one from its minimum', () => {
    expect([fromOne('1'), fromOne('42'), fromZero('0')]).toEqual([1, 42, 0])
    for (const value of ['0', '-1', '1.5', '', ' 1', '1e3', 'x', '0x10']) {
      expect(() => fromOne(value), value).toThrow(InvalidArgumentError)
    }
    expect(() => fromZero('-1')).toThrow('a whole number from 0')
  })

  test('may have a fraction where it only has to be above zero', () => {
    expect([aboveZero('0.5'), aboveZero('3')]).toEqual([0.5, 3])
    for (const value of ['0', '-1', 'Infinity', 'x', '']) {
      expect(() => aboveZero(value), value).toThrow(InvalidArgumentError)
    }
  })
})
