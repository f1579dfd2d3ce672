import { expect, test } from 'bun:test'
import { parseKeys } from './key-list.ts'
import { hashKey } from './key-ring.ts'

const KEY = 'k'.repeat(32)
const parse = (...keys: object[]) => parseKeys(JSON.stringify(keys))

test('keys have a name and patterns, and are kept as hashes', () => {
  const [billing, metrics] = parse(
    { name: 'billing', key: KEY, publish: ['orders.>', 'audit.{sub}'] },
    { name: 'metrics', key: 'a.b/c+d_e~f-g='.repeat(3), publish: [], subscribe: ['>'], role: 'operator' },
  )
  expect(billing).toEqual({
    name: 'billing',
    hash: hashKey(KEY),
    publish: ['orders.>', 'audit.billing'],
    subscribe: [],
    role: 'user',
  })
  expect(metrics).toMatchObject({ publish: [], subscribe: ['>'], role: 'operator' })
})

test.each([
  [{ name: 'a', key: 'k'.repeat(31), publish: [] }, '/0/key'],
  [{ name: 'a', key: `${KEY} x`, publish: [] }, '/0/key'],
  [{ name: 'a.b', key: KEY, publish: [] }, '/0/name'],
  [{ name: 'a', key: KEY }, '/0/publish'],
  [{ name: 'a', key: KEY, publish: 'orders.>' }, '/0/publish'],
  [{ name: 'a', key: KEY, publish: ['a..b'] }, 'a..b'],
  [{ name: 'a', key: KEY, publish: [], role: 'admin' }, '/0/role'],
  [{ name: 'a', key: KEY, publish: [], more: 1 }, '/0/more'],
])('keys like %j are refused, with where it is wrong and without the key', (key, reason) => {
  const refused = () => parse(key)
  expect(refused).toThrow(reason)
  expect(refused).not.toThrow(key.key.slice(0, 20))
})

test('names and keys are used once', () => {
  expect(() => parse({ name: 'a', key: KEY, publish: [] }, { name: 'a', key: `${KEY}2`, publish: [] })).toThrow('name')
  expect(() => parse({ name: 'a', key: KEY, publish: [] }, { name: 'b', key: KEY, publish: [] })).toThrow('a key')
  expect(() => parseKeys('[{')).toThrow('not JSON')
})
