import { describe, expect, test } from 'bun:test'
import { type Sender, senderOf } from './origin.ts'

const URL_HERE = 'http://localhost:8080/api/orders'
const sender = (headers: Record<string, string>, url = URL_HERE, method = 'GET', isSecure = false) =>
  senderOf(new Request(url, { method, headers: { host: new URL(url).host, ...headers } }), isSecure)

describe('a request', () => {
  test.each<[Record<string, string>, Sender]>([
    [{}, 'none'],
    [{ 'sec-fetch-site': 'none' }, 'none'],
    [{ 'sec-fetch-site': 'same-origin' }, 'own'],
    [{ 'sec-fetch-site': 'Same-Origin' }, 'own'],
    [{ 'sec-fetch-site': 'same-site' }, 'foreign'],
    [{ 'sec-fetch-site': 'cross-site' }, 'foreign'],
    [{ 'sec-fetch-site': 'CROSS-SITE' }, 'foreign'],
    [{ origin: 'http://localhost:8080' }, 'own'],
    [{ origin: 'http://localhost:9090' }, 'foreign'],
    [{ origin: 'https://localhost:8080' }, 'foreign'],
    [{ origin: 'null' }, 'foreign'],
    [{ origin: 'http://localhost:9090', 'sec-fetch-site': 'same-origin' }, 'foreign'],
    [{ origin: 'http://localhost:8080', 'sec-fetch-site': 'cross-site' }, 'foreign'],
  ])('with %j is sent by %p', (headers, expected) => {
    expect(sender(headers)).toBe(expected)
  })

  test('over TLS, of a page over https, is sent by own', () => {
    const page = { origin: 'https://localhost:8080' }
    expect(sender(page, URL_HERE, 'GET', true)).toBe('own')
    expect(sender(page, URL_HERE, 'GET', false)).toBe('foreign')
  })
})

describe('a link on another site', () => {
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

  test('to a page is followed', () => {
    expect(sender(link)).toBe('none')
  })

  test('to the event stream counts as a foreign page, also with a last slash', () => {
    for (const path of ['/events', '/events/', '/x/../events/', '/%2e/events']) {
      expect(sender(link, `http://localhost:8080${path}?channel=a`), path).toBe('foreign')
    }
  })

  test.each([{ 'sec-fetch-mode': 'cors' }, { 'sec-fetch-dest': 'iframe' }])('is no link with %j', (headers) => {
    expect(sender({ ...link, ...headers })).toBe('foreign')
  })

  test('is no link when it posts a form', () => {
    expect(sender(link, URL_HERE, 'POST')).toBe('foreign')
  })
})
