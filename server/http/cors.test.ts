import { describe, expect, test } from 'bun:test'
import { addCorsHeaders, type CorsOptions, covers, type Grant, grantOf } from './cors.ts'

const APP = 'https://app.example.com'
const OTHER = 'https://other.example.com'
const options: CorsOptions = {
  origins: [APP],
  publicPaths: ['/openapi.json'],
  streamOrigins: (host) => [`http://lab.${host}`],
}
const request = (headers: Record<string, string>, method = 'GET') =>
  new Request('http://localhost:8080/', { method, headers: { host: 'localhost:8080', ...headers } })

describe('a page', () => {
  test('of an allowed origin may use every path', () => {
    expect(grantOf(request({ origin: APP }), '/api/orders', options)).toEqual({ origin: APP, isReadOnly: false })
  })

  test('of any origin may read public documents', () => {
    expect(grantOf(request({ origin: OTHER }), '/openapi.json', options)).toEqual({ origin: '*', isReadOnly: true })
    expect(grantOf(request({}), '/openapi.json', options)).toEqual({ origin: '*', isReadOnly: true })
  })

  test('of another name of this server may read the streams, and nothing else', () => {
    const lab = 'http://lab.localhost:8080'
    expect(grantOf(request({ origin: lab }), '/events', options)).toEqual({ origin: lab, isReadOnly: true })
    expect(grantOf(request({ origin: lab }), '/api/orders', options)).toBeUndefined()
  })

  test('of another origin is granted nothing', () => {
    expect(grantOf(request({ origin: OTHER }), '/events', options)).toBeUndefined()
    expect(grantOf(request({}), '/events', options)).toBeUndefined()
  })
})

describe('a grant to read', () => {
  const grant: Grant = { origin: '*', isReadOnly: true }

  test.each([
    ['GET', {}, true],
    ['HEAD', {}, true],
    ['POST', {}, false],
    ['OPTIONS', {}, true],
    ['OPTIONS', { 'access-control-request-method': 'GET' }, true],
    ['OPTIONS', { 'access-control-request-method': 'DELETE' }, false],
    ['POST', { 'access-control-request-method': 'GET' }, false],
  ] as const)('covers %s with %j: %p', (method, headers, expected) => {
    expect(covers(grant, request(headers, method))).toBe(expected)
    expect(covers({ ...grant, isReadOnly: false }, request(headers, method))).toBe(true)
  })
})

describe('the headers of a response', () => {
  const headersFor = (grant: Grant, headers: Record<string, string>, method: string) => {
    const response = new Response(null, { headers: { allow: 'GET, POST, OPTIONS' } })
    addCorsHeaders(response, request(headers, method), grant)
    return Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('access-control-')))
  }
  const preflight = { 'access-control-request-method': 'POST' }

  test('name the origin and the headers that a page may read', () => {
    expect(headersFor({ origin: APP, isReadOnly: false }, {}, 'GET')).toEqual({
      'access-control-allow-origin': APP,
      'access-control-expose-headers': 'Allow, Content-Disposition, ETag, Location, Retry-After, X-Cursor',
    })
  })

  test('of a preflight name the methods of the route', () => {
    expect(headersFor({ origin: APP, isReadOnly: false }, preflight, 'OPTIONS')).toMatchObject({
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-headers': expect.stringContaining('Last-Event-ID'),
      'access-control-max-age': '600',
    })
  })

  test('of a preflight name the methods that read, where nothing else is granted', () => {
    expect(headersFor({ origin: '*', isReadOnly: true }, preflight, 'OPTIONS')).toMatchObject({
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
    })
  })

  test('of an OPTIONS request that is no preflight name no methods', () => {
    expect(headersFor({ origin: APP, isReadOnly: false }, {}, 'OPTIONS')).not.toContainKey(
      'access-control-allow-methods',
    )
    expect(headersFor({ origin: APP, isReadOnly: false }, preflight, 'GET')).not.toContainKey(
      'access-control-allow-methods',
    )
  })
})
