import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { matches } from '../protocol/channel.ts'
import { PatternIndex } from './pattern-index.ts'

const token = fc.constantFrom('a', 'b', 'sse')
const channel = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'))
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 4 }), fc.boolean())
  .map(([tokens, open]) => (open || tokens.length === 0 ? [...tokens, '>'] : tokens).join('.'))

test('finds the values whose pattern matches, and no others', () => {
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

/** What the index must hold: a node for every beginning of a pattern (`>` is no token of its own), and the entries. */
function sizeOf(entries: ReadonlySet<string>): number {
  const nodes = new Set<string>()
  for (const entry of entries) {
    const tokens = (entry.split(' ')[0] ?? '').split('.').filter((token) => token !== '>')
    for (let length = 1; length <= tokens.length; length++) nodes.add(tokens.slice(0, length).join('.'))
  }
  return nodes.size + entries.size
}

test('after any additions and removals it finds what is left, and counts its nodes and entries', () => {
  const change = fc.record({ isRemoval: fc.boolean(), pattern, value: fc.constantFrom('x', 'y', 'z') })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.array(channel, { maxLength: 5 }), (changes, channels) => {
      const index = new PatternIndex<string>()
      const entries = new Set<string>()
      for (const { isRemoval, pattern, value } of changes) {
        if (isRemoval) index.remove(pattern, value)
        else index.add(pattern, value)
        if (isRemoval) entries.delete(`${pattern} ${value}`)
        else entries.add(`${pattern} ${value}`)
        expect(index.size).toBe(sizeOf(entries))
      }
      const left = [...entries].map((entry) => entry.split(' ') as [string, string])
      for (const each of channels) {
        const values = left.filter(([wanted]) => matches(wanted, each)).map(([, value]) => value)
        expect(index.match(each).sort()).toEqual([...new Set(values)].sort())
      }
    }),
    { numRuns: 500 },
  )
})

test('is empty after everything was removed', () => {
  const index = new PatternIndex<string>()
  const patterns = ['a', 'a.b', 'a.*', 'a.*.c', '>', '*', 'a.>']
  for (const each of patterns) for (const value of ['x', 'y']) index.add(each, value)
  for (const each of patterns) for (const value of ['x', 'y']) index.remove(each, value)
  expect([index.size, index.match('a.b')]).toEqual([0, []])
})

test('ignores the removal of what it does not hold', () => {
  const index = new PatternIndex<string>()
  index.add('a.b', 'x')
  for (const [pattern, value] of [
    ['a.b', 'y'],
    ['a', 'x'],
    ['a.b.c', 'x'],
    ['c.>', 'x'],
    ['a.>', 'x'],
  ] as const) {
    index.remove(pattern, value)
  }
  expect([index.size, index.match('a.b')]).toEqual([3, ['x']])
})
