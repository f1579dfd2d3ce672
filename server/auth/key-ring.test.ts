import { expect, test } from 'bun:test'
import { createKey, hashKey, isKey, KeyRing, type StoredKey } from './key-ring.ts'

const stored = (key: string, name: string): StoredKey => ({
  name,
  hash: hashKey(key),
  publish: ['orders.>'],
  subscribe: [],
  role: 'user',
})

test('a key grants what is stored with its hash', () => {
  const [billing, shipping] = [createKey(), createKey()]
  const ring = new KeyRing()
  ring.set([stored(billing, 'billing'), stored(shipping, 'shipping')])
  expect(ring.grantOf(billing)).toMatchObject({ subject: 'billing', publish: ['orders.>'], expiresAt: null })
  expect(ring.grantOf(shipping)).toMatchObject({ subject: 'shipping' })
})

test('a key that is not stored, or no longer, grants nothing', () => {
  const key = createKey()
  const ring = new KeyRing()
  expect(ring.grantOf(key)).toBeUndefined()
  ring.set([stored(key, 'billing')])
  for (const other of [createKey(), '', key.slice(0, -1), `${key}x`, hashKey(key).toString('hex')]) {
    expect(ring.grantOf(other)).toBeUndefined()
  }
  ring.set([])
  expect(ring.grantOf(key)).toBeUndefined()
})

test('keys are told from tokens by their prefix, and none is like another', () => {
  expect(isKey(createKey())).toBe(true)
  expect(isKey('eyJhbGciOiJIUzI1NiJ9.e30.x')).toBe(false)
  expect(new Set(Array.from({ length: 100 }, createKey)).size).toBe(100)
})
