import { expect, test } from 'bun:test'
import { addSecurityHeaders } from './security-headers.ts'

const headersOf = (isSecure: boolean, init?: Record<string, string>) => {
  const headers = new Headers(init)
  addSecurityHeaders(headers, isSecure)
  return Object.fromEntries(headers)
}

test('data loads and runs nothing, and is not framed, sniffed or named to other origins', () => {
  expect(headersOf(false)).toEqual({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'permissions-policy': expect.stringContaining('camera=()'),
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  })
})

test('a page keeps its own policy', () => {
  expect(headersOf(false, { 'content-security-policy': "default-src 'self'" })).toMatchObject({
    'content-security-policy': "default-src 'self'",
  })
})

test('what may be cached says so itself', () => {
  expect(headersOf(false, { 'cache-control': 'no-cache' })['cache-control']).toBe('no-cache')
})

test('HSTS is sent only where the request came over TLS', () => {
  expect(headersOf(true)['strict-transport-security']).toBe('max-age=31536000')
  expect(headersOf(false)).not.toContainKey('strict-transport-security')
})
