import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { matches } from '../protocol/channel.ts'
import { PatternIndex } from './pattern-index.ts'

const token = fc.constantFrom('a', 'b', 'c')
const channel = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'))
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 4 }), fc.boolean())
  .map(([tokens, open]) => (open || tokens.length === 0 ? [...tokens, '>'] : tokens).join('.'))

test('finds those whose pattern matches, and nobody else', () => {
  fc.assert(
    fc.property(fc.uniqueArray(pattern), fc.array(channel), (patterns, channels) => {
      const index = new PatternIndex<string>()
      for (const each of patterns) index.add(each, each)
      for (const each of channels) {
        expect([...index.match(each)].sort()).toEqual(patterns.filter((wanted) => matches(wanted, each)).sort())
      }
    }),
  )
})

test('forgets what was removed, and keeps the rest', () => {
  fc.assert(
    fc.property(fc.uniqueArray(pattern), fc.nat(20), channel, (patterns, count, given) => {
      const index = new PatternIndex<string>()
      for (const each of patterns) index.add(each, each)
      for (const each of patterns.slice(0, count)) index.remove(each, each)
      const left = patterns.slice(count).filter((wanted) => matches(wanted, given))
      expect([...index.match(given)].sort()).toEqual(left.sort())
    }),
  )
})

test('names a subscriber with several matching patterns once', () => {
  const index = new PatternIndex<string>()
  for (const each of ['a.b', 'a.*', 'a.>', '>']) index.add(each, 'subscriber')
  expect([...index.match('a.b')]).toEqual(['subscriber'])
})
