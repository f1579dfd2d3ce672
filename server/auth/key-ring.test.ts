import { expect, test } from 'bun:test'
import type { Grant } from './grant.ts'
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

test('what has the form of a token may be one, and anything else is a key', () => {
  expect(isKey('eyJhbGciOiJIUzI1NiJ9.e30.x')).toBe(false)
  for (const key of [createKey(), 'k'.repeat(32), 'a.b.c.d', 'a/b.c.d', 'a.b']) expect(isKey(key)).toBe(true)
})

test('none is like another', () => {
  expect(createKey()).toMatch(/^ssek_[\w-]{43}$/)
  expect(new Set(Array.from({ length: 100 }, createKey)).size).toBe(100)
})

test('keys of the configuration stay when those in Postgres are replaced', () => {
  const [configured, first] = [createKey(), createKey()]
  const ring = new KeyRing([stored(configured, 'fixed')])
  ring.set([stored(first, 'billing')])
  expect([ring.size, ring.grantOf(configured)?.user, ring.grantOf(first)?.user]).toEqual([
    2,
    '%key:fixed',
    '%key:billing',
  ])
  ring.set([])
  expect([ring.size, ring.grantOf(configured)?.user, ring.grantOf(first)]).toEqual([1, '%key:fixed', undefined])
})

test('the grant of a key is revoked when the key is gone, and no other grant is', () => {
  const key = createKey()
  const ring = new KeyRing()
  ring.set([stored(key, 'billing')])
  const grant = ring.grantOf(key) as Grant
  const others: Grant[] = [
    { ...grant, subject: 'alice', user: 'alice' },
    { ...grant, subject: null },
    { ...grant, expiresAt: 1 },
  ]
  expect([grant, ...others].map(ring.hasRevoked)).toEqual([false, false, false, false])
  ring.set([])
  expect([grant, ...others].map(ring.hasRevoked)).toEqual([true, false, false, false])
})
