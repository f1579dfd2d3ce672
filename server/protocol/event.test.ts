import { describe, expect, test } from 'bun:test'
import { keyWithin, parseClientId, parseEvent, parseKey } from './event.ts'

/** An event as it is written: with its data as JSON text. */
const written = (value: unknown) =>
  typeof value === 'object' && value !== null && 'data' in value
    ? { ...value, data: JSON.stringify(value.data) }
    : value
const parse = (value: unknown) => parseEvent(written(value), 1024)
const failsWith = (code: string) => expect.objectContaining({ code })

describe('an event of a request', () => {
  test('is taken with its data as JSON text', () => {
    expect(parse({ channel: 'orders.1', type: 'order.paid', data: { total: 12 }, key: 'k' })).toEqual({
      channel: 'orders.1',
      type: 'order.paid',
      data: '{"total":12}',
      key: 'k',
    })
  })

  test('has null for data and no key when it names none', () => {
    expect(parse({ channel: 'a', type: 'b' })).toEqual({ channel: 'a', type: 'b', data: 'null', key: null })
  })

  test('has the type message when it names none', () => {
    expect(parse({ channel: 'a' }).type).toBe('message')
    expect(() => parse({ channel: 'a', type: null })).toThrow(failsWith('type.invalid'))
  })

  test('is an object', () => {
    for (const value of [null, 1, 'text', [], undefined]) {
      expect(() => parse(value)).toThrow(failsWith('event.invalid'))
    }
  })

  test('has no member that would be lost', () => {
    expect(() => parse({ channel: 'a', type: 'b', payload: 1 })).toThrow(failsWith('event.invalid'))
  })

  test.each(['', 'a\nb', 'a\r', 'a\u0000', '\ud800', 'a\u009bb', 'a\u2066b', 'x'.repeat(256), 5])(
    'has no type like %p',
    (type) => {
      expect(() => parse({ channel: 'a', type })).toThrow(failsWith('type.invalid'))
    },
  )

  test.each(['ready', 'gap', 'heartbeat', 'closing', 'auth-expiring', 'open', 'error'])(
    "leaves the stream's own type %p alone",
    (type) => {
      expect(() => parse({ channel: 'a', type })).toThrow(failsWith('type.reserved'))
    },
  )

  test('may have exactly as many bytes of data as allowed', () => {
    expect(parse({ channel: 'a', type: 'b', data: 'x'.repeat(1022) }).data).toHaveLength(1024)
    expect(() => parse({ channel: 'a', type: 'b', data: 'x'.repeat(1023) })).toThrow(
      expect.objectContaining({ code: 'data.too_large', status: 413 }),
    )
  })

  test('is measured in bytes, not in characters', () => {
    expect(() => parse({ channel: 'a', type: 'b', data: '€'.repeat(400) })).toThrow(failsWith('data.too_large'))
  })

  test.each(['', 'a\u001fb', 5, {}])('has no key like %p', (key) => {
    expect(() => parse({ channel: 'a', type: 'b', key })).toThrow(failsWith('key.invalid'))
  })
})

test('a client id has no control characters', () => {
  expect(parseClientId('page-1')).toBe('page-1')
  expect(() => parseClientId('a\nb')).toThrow(failsWith('client_id.invalid'))
})

test('the events of a batch with one key have keys that differ, and that no client can send', () => {
  const keys = [keyWithin('k', 0), keyWithin('k', 1), keyWithin('k1', 0)]
  expect(new Set(keys).size).toBe(3)
  for (const key of keys) expect(() => parseKey(key)).toThrow(failsWith('key.invalid'))
})

test('a member that no event has is named in the error, cut after 80 characters', () => {
  const name = 'x'.repeat(200)
  expect(() => parse({ channel: 'a', type: 'b', [name]: 1 })).toThrow(`member "${'x'.repeat(80)}".`)
})
