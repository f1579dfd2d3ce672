import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { matches } from '../protocol/channel.ts'
import { createMatcher, createSelection } from './selection.ts'

const token = fc.constantFrom('a', 'b', 'sse')
const channel = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'))
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 4 }), fc.boolean())
  .map(([tokens, open]) => (open || tokens.length === 0 ? [...tokens, '>'] : tokens).join('.'))

test('a selection without the patterns that lie within others selects the same channels', () => {
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1 }), fc.array(channel), (patterns, channels) => {
      const isWanted = createMatcher(createSelection(patterns).patterns)
      for (const each of channels) expect(isWanted(each)).toBe(patterns.some((wanted) => matches(wanted, each)))
    }),
  )
})

test('no pattern that is left lies within another', () => {
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1 }), (patterns) => {
      const { patterns: left } = createSelection(patterns)
      expect(createSelection(left).patterns).toEqual([...left])
      for (const each of left)
        if (!/[*>]/.test(each)) expect(left.filter((wider) => matches(wider, each))).toEqual([each])
    }),
  )
})

test('the size of a selection is the number of its tokens and patterns, without those that are covered', () => {
  expect(createSelection(['a.b.c', 'd']).size).toBe(6)
  expect(createSelection(['a', 'a']).size).toBe(2)
  expect(createSelection(['a.>', 'a.b', 'a.*.c']).size).toBe(3)
})

test('a pattern that ends in > is covered only by one that ends in >', () => {
  expect(createSelection(['a.*', 'a.>']).patterns).toEqual(['a.>'])
  expect(createSelection(['a.*.>', 'a.*']).patterns).toEqual(['a.*', 'a.*.>'])
})
