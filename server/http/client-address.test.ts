import { describe, expect, test } from 'bun:test'
import { createAddressOf, createIsSecure, parseNetwork } from './client-address.ts'

const addressOf = (trusted: string[], peer: string | null, forwarded?: string) =>
  createAddressOf(trusted)({
    request: new Request('http://localhost', {
      headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    }),
    server: { requestIP: () => (peer === null ? null : { address: peer }) },
  })

describe('the address of a client', () => {
  test.each([
    ['without trusted proxies is that of the connection', [], '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    [
      'behind a proxy that is not trusted is that of the proxy',
      ['10.0.0.0/8'],
      '203.0.113.9',
      '1.2.3.4',
      '203.0.113.9',
    ],
    ['behind a trusted proxy is the one that it names', ['10.0.0.0/8'], '10.1.1.1', '1.2.3.4', '1.2.3.4'],
    ['behind two trusted proxies is the one before them', ['10.0.0.0/8'], '10.1.1.1', '1.2.3.4, 10.2.2.2', '1.2.3.4'],
    [
      'is never one that the client has put before',
      ['10.0.0.0/8'],
      '10.1.1.1',
      '9.9.9.9, 10.3.3.3, 1.2.3.4',
      '1.2.3.4',
    ],
    ['is that of the proxy where the header holds no address', ['10.0.0.0/8'], '10.1.1.1', 'unknown', '10.1.1.1'],
    ['is that of the proxy without the header', ['10.0.0.0/8'], '10.1.1.1', undefined, '10.1.1.1'],
    ['is IPv4 also where an IPv6 socket reports it', ['10.0.0.0/8'], '::ffff:10.1.1.1', '1.2.3.4', '1.2.3.4'],
    ['of IPv6 is the network of a customer', [], '2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
    ['behind a proxy with an IPv6 address', ['fd00::/8'], 'fd00::1', '2001:db8:1:2::7', '2001:db8:1:2::/64'],
    ['of a connection that is gone is empty', [], null, undefined, ''],
  ] as const)('%s', (_title, trusted, peer, forwarded, expected) => {
    expect(addressOf([...trusted], peer, forwarded)).toBe(expected)
  })

  test('costs the same for a long header', () => {
    expect(addressOf(['0.0.0.0/0'], '10.0.0.1', Array(10_000).fill('10.0.0.2').join(','))).toBe('10.0.0.2')
  })
})

const isSecure = (trusted: string[], peer: string | null, headers: Record<string, string>, url = 'http://localhost') =>
  createIsSecure(trusted, () => ({ requestIP: () => (peer === null ? null : { address: peer }) }))(
    new Request(url, { headers }),
  )

describe('a request came over TLS', () => {
  const https = { 'x-forwarded-proto': 'https' }
  const appended = { 'x-forwarded-proto': 'https, http', 'x-forwarded-for': '1.2.3.4' }
  test.each([
    ['if its URL says so', [], '203.0.113.9', {}, 'https://localhost', true],
    ['not because a client says so', [], '203.0.113.9', https, 'http://localhost', false],
    [
      'not because a proxy that is not trusted says so',
      ['10.0.0.0/8'],
      '203.0.113.9',
      https,
      'http://localhost',
      false,
    ],
    ['if a trusted proxy says so', ['10.0.0.0/8'], '10.1.1.1', https, 'http://localhost', true],
    [
      'not if a trusted proxy says otherwise',
      ['10.0.0.0/8'],
      '10.1.1.1',
      { 'x-forwarded-proto': 'http' },
      'https://localhost',
      false,
    ],
    ['not because of what the client has put before', ['10.0.0.0/8'], '10.1.1.1', appended, 'http://localhost', false],
    [
      'if the first of two trusted proxies says so',
      ['10.0.0.0/8'],
      '10.1.1.1',
      { ...appended, 'x-forwarded-for': '1.2.3.4, 10.2.2.2' },
      'http://localhost',
      true,
    ],
    [
      'if both proxies keep what the first one has said',
      ['10.0.0.0/8'],
      '10.1.1.1',
      { ...https, 'x-forwarded-for': '1.2.3.4, 10.2.2.2' },
      'http://localhost',
      true,
    ],
    ['not if the connection is gone', ['10.0.0.0/8'], null, https, 'http://localhost', false],
    [
      'not because of other headers',
      ['10.0.0.0/8'],
      '10.1.1.1',
      { forwarded: 'proto=https', 'x-forwarded-ssl': 'on' },
      'http://localhost',
      false,
    ],
  ] as const)('%s', (_title, trusted, peer, headers, url, expected) => {
    expect(isSecure([...trusted], peer, headers, url)).toBe(expected)
  })
})

test('what is neither an address nor a network is refused', () => {
  for (const text of ['', 'proxy', '10.0.0.0/33', '10.0.0/8/8']) expect(() => parseNetwork(text)).toThrow()
})
