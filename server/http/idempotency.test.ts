import { describe, expect, test } from 'bun:test'
import { requestKey } from './idempotency.ts'

const request = (key?: string) =>
  new Request('http://localhost/', { headers: key === undefined ? {} : { 'idempotency-key': key } })
const digestOf = (what: unknown) => requestKey(request('k'), 'alice', what)?.digest

describe('the key of a request', () => {
  test('is missing without the header', () => {
    expect(requestKey(request(), 'alice', {})).toBeNull()
  })

  test('differs between users', () => {
    const keys = ['alice', 'bob'].map((user) => requestKey(request('k'), user, {})?.key)
    expect(new Set(keys).size).toBe(2)
  })

  test.each(['', 'x'.repeat(256), '\u0085'])('is refused when it is %j', (key) => {
    expect(() => requestKey(request(key), 'alice', {})).toThrow(expect.objectContaining({ code: 'key.invalid' }))
  })
})

describe('the digest of a request', () => {
  test('does not depend on the order of its members, at any depth', () => {
    expect(digestOf({ a: 1, b: { c: [1, { d: 2, e: 3 }], f: null } })).toBe(
      digestOf({ b: { f: null, c: [1, { e: 3, d: 2 }] }, a: 1 }),
    )
  })

  test.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: '1' }],
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: null }, {}],
    [{ a: 1 }, { b: 1 }],
    [null, {}],
  ])('of %j is not that of %j', (one, other) => {
    expect(digestOf(one)).not.toBe(digestOf(other))
  })

  test('is the SHA-256 of its canonical JSON (RFC 8785)', () => {
    const sha256 = (text: string) => new Bun.CryptoHasher('sha256').update(text).digest('hex')
    expect(digestOf({ b: 1.0, a: '€' })).toBe(sha256('{"a":"€","b":1}'))
  })
})
