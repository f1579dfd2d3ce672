import { describe, expect, test } from 'bun:test'
import { createHostCheck } from './host.ts'

const unknown = expect.objectContaining({ code: 'host.unknown', status: 421 })
const invalid = expect.objectContaining({ code: 'host.invalid', status: 400 })

describe('a server on loopback', () => {
  const check = createHostCheck({ listen: '127.0.0.1', allowed: [] })

  test.each([
    'localhost',
    'localhost:8080',
    'LOCALHOST.',
    'app.localhost',
    '127.0.0.1',
    '127.9.8.7:1',
    '127.1',
    '[::1]',
    '[::1]:8080',
    null,
  ])('serves %p', (host) => {
    expect(() => check(host)).not.toThrow()
  })

  test.each([
    'example.com',
    '10.0.0.1',
    '[2001:db8::1]',
    'localhost.example.com',
    'xlocalhost',
    '128.0.0.1',
    '127.0.0.1.example',
    '.',
  ])('refuses %p', (host) => {
    expect(() => check(host)).toThrow(unknown)
  })

  test.each(['', 'a b', 'a,b', 'user@localhost', 'localhost:80:80', 'localhost:123456', '[::1', 'a/b'])(
    'takes %p for malformed',
    (host) => {
      expect(() => check(host)).toThrow(invalid)
    },
  )

  test('refuses an unknown host again after it has served a known one', () => {
    check('localhost')
    expect(() => check('example.com')).toThrow(unknown)
    expect(() => check('example.com')).toThrow(unknown)
    expect(() => check('localhost')).not.toThrow()
  })
})

describe('a server on all addresses', () => {
  const check = createHostCheck({ listen: '0.0.0.0', allowed: ['app.example.com', '*.example.org'] })

  test.each([
    '10.0.0.1:80',
    '[2001:db8::1]',
    'app.example.com',
    'APP.example.com:443',
    'a.example.org',
    'a.b.example.org',
  ])('serves %p', (host) => {
    expect(() => check(host)).not.toThrow()
  })

  test.each(['example.com', 'x.app.example.com', 'example.org', 'xexample.org'])('refuses %p', (host) => {
    expect(() => check(host)).toThrow(unknown)
  })
})

test('a server serves the name that it listens on', () => {
  const check = createHostCheck({ listen: 'app.internal', allowed: [] })
  expect(() => check('app.internal:8080')).not.toThrow()
  expect(() => check('other.internal')).toThrow(unknown)
  const ipv6 = createHostCheck({ listen: '2001:db8::1', allowed: [] })
  expect(() => ipv6('[2001:db8::1]:8080')).not.toThrow()
})

test('with * in ALLOWED_HOSTS, every well-formed host is served', () => {
  const check = createHostCheck({ listen: '127.0.0.1', allowed: ['*'] })
  expect(() => check('example.com')).not.toThrow()
  expect(() => check('a b')).toThrow(invalid)
})
