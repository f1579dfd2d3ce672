import { describe, expect, test } from 'bun:test'
import type { Actor } from './actor.ts'
import { authorizeAnonymous } from './authorize.ts'

const identifyBy = (headers: Record<string, string>) =>
  authorizeAnonymous(new Request('http://localhost/', { headers })) as Actor

const failureOf = (headers: Record<string, string>) => {
  try {
    identifyBy(headers)
  } catch (error) {
    return (error as { code: string }).code
  }
  return undefined
}

/** A header as it arrives: bytes of UTF-8, each as a character. */
const asLatin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

describe('the user of a request', () => {
  test('is the guest without a header', () => {
    expect(identifyBy({})).toMatchObject({ user: 'guest', clientId: null })
  })

  test('is named by X-User', () => {
    expect(identifyBy({ 'x-user': 'alice' }).user).toBe('alice')
  })

  test('may have a name outside of ASCII', () => {
    expect(identifyBy({ 'x-user': asLatin1('Zoë-東京') }).user).toBe('Zoë-東京')
  })

  test('keeps a name that is Latin-1 and not UTF-8', () => {
    expect(identifyBy({ 'x-user': 'Zo\u00eb' }).user).toBe('Zo\u00eb')
  })

  test('has a name of at most 100 characters', () => {
    expect(identifyBy({ 'x-user': 'a'.repeat(100) }).user).toHaveLength(100)
    expect(failureOf({ 'x-user': 'a'.repeat(101) })).toBe('user.invalid')
  })

  test.each(['a.b', '*', '>', 'a b', ''])('can not be named %j, which is no token of a channel', (name) => {
    expect(failureOf({ 'x-user': name })).toBe('user.invalid')
  })
})

describe('the page of a request', () => {
  test('is named by X-Client-Id', () => {
    expect(identifyBy({ 'x-client-id': 'page 1' }).clientId).toBe('page 1')
  })

  test('has an ID of at most 255 characters', () => {
    expect(identifyBy({ 'x-client-id': 'x'.repeat(255) }).clientId).toHaveLength(255)
    expect(failureOf({ 'x-client-id': 'x'.repeat(256) })).toBe('client_id.invalid')
  })

  test.each(['', 'a\u0085b'])('can not have the ID %j', (id) => {
    expect(failureOf({ 'x-client-id': id })).toBe('client_id.invalid')
  })
})
