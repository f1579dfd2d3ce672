import { describe, expect, test } from 'bun:test'
import { addressesFor, canChooseInstance } from './addresses.ts'

const page = (url = 'http://localhost:8080/lab') => new URL(url)

describe('the addresses of streams', () => {
  test.each([
    ['h2', 240],
    ['h3', 40],
  ])('are one for all over %s', (protocol, limit) => {
    const addresses = addressesFor(page('https://example.org/lab'), protocol, true)
    expect([addresses.limit, addresses.of(0), addresses.of(999, '81')]).toEqual([limit, '/events', '/events'])
    expect(canChooseInstance(addresses)).toBe(false)
  })

  test.each(['localhost', '127.0.0.1'])('are names of this machine on %s, five streams each', (host) => {
    const addresses = addressesFor(page(`http://${host}:8080/lab`), 'http/1.1', true)
    expect([0, 4, 5, 239].map((index) => addresses.of(index))).toEqual([
      'http://s0.localhost:8080/events',
      'http://s0.localhost:8080/events',
      'http://s1.localhost:8080/events',
      'http://s47.localhost:8080/events',
    ])
    expect([addresses.limit, addresses.of(7, '9000')]).toEqual([240, 'http://s1.localhost:9000/events'])
    expect(canChooseInstance(addresses)).toBe(true)
  })

  test.each([
    ['without LAB', page(), false],
    ['on another machine', page('http://example.org/lab'), true],
    ['over HTTPS', page('https://localhost/lab'), true],
  ])('leave connections for the page %s', (_, url, isLab) => {
    const addresses = addressesFor(url, 'http/1.1', isLab)
    expect([addresses.limit, addresses.of(3)]).toEqual([4, '/events'])
    expect(canChooseInstance(addresses)).toBe(false)
  })
})
