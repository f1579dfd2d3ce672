import { describe, expect, test } from 'bun:test'
import { bindSubject, isGranted } from './patterns.ts'

describe('a granted pattern', () => {
  test.each([
    ['orders.alice.>', 'orders.alice.17', true],
    ['orders.alice.>', 'orders.alice.>', true],
    ['orders.alice.>', 'orders.alice.*', true],
    ['orders.alice.>', 'orders.alice.17.>', true],
    ['orders.alice.>', 'orders.alice', false],
    ['orders.alice.>', 'orders.>', false],
    ['orders.alice.>', 'orders.*.17', false],
    ['orders.alice.>', 'orders.*.>', false],
    ['orders.alice.>', '>', false],
    ['orders.alice.>', '*', false],
    ['orders.alice.>', '*.alice.17', false],
    ['orders.*', 'orders.*', true],
    ['orders.*', 'orders.17', true],
    ['orders.*', 'orders.>', false],
    ['*', '>', false],
    ['*.>', '>', false],
    ['>', '>', true],
    ['>', 'orders.*.>', true],
    ['orders.alice.*', 'orders.alice.>', false],
    ['orders.alice', 'orders.alicе', false],
    ['orders.alice', 'orders.Alice', false],
    ['orders.alice', 'orders%2Ealice', false],
  ])('%p covers %p: %p', (granted, pattern, expected) => {
    expect(isGranted([granted], pattern)).toBe(expected)
  })

  test('covers nothing when there is none', () => {
    expect(isGranted([], 'broadcast')).toBe(false)
  })

  test('does not add up with others', () => {
    expect(isGranted(['orders.alice', 'orders.alice.>'], 'orders.>')).toBe(false)
  })
})

describe('the subject in a pattern', () => {
  test('is one token', () => {
    expect(bindSubject(['orders.{sub}.>', 'notifications.{sub}', 'broadcast'], 'alice')).toEqual([
      'orders.alice.>',
      'notifications.alice',
      'broadcast',
    ])
  })

  test.each(['*', '>', 'alice.>', 'a.b', '{sub}', 'alice bob', '%2E'])('can not widen it: %p', (subject) => {
    const [pattern] = bindSubject(['orders.{sub}.*'], subject)
    expect(pattern?.split('.')).toHaveLength(3)
    expect(isGranted([pattern as string], 'orders.bob.17')).toBe(false)
  })

  test('is refused as part of a token', () => {
    expect(() => bindSubject(['orders.x{sub}'], 'alice')).toThrow(expect.objectContaining({ code: 'channel.invalid' }))
  })
})
