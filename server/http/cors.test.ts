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
    expect(grantOf(request({ origin: APP }), '/api/orders', options)).toEqual({
      origin: APP,
      isReadOnly: false,
      hasCredentials: true,
    })
  })

  test('of any origin may read public documents', () => {
    expect(grantOf(request({ origin: OTHER }), '/openapi.json', options)).toEqual({
      origin: '*',
      isReadOnly: true,
      hasCredentials: false,
    })
    expect(grantOf(request({}), '/openapi.json', options)).toEqual({
      origin: '*',
      isReadOnly: true,
      hasCredentials: false,
    })
  })

  test('of another name of this server may read the streams, and nothing else', () => {
    const lab = 'http://lab.localhost:8080'
    expect(grantOf(request({ origin: lab }), '/events', options)).toEqual({
      origin: lab,
      isReadOnly: true,
      hasCredentials: false,
    })
    expect(grantOf(request({ origin: lab }), '/api/orders', options)).toBeUndefined()
  })

  test('of another origin is granted nothing', () => {
    expect(grantOf(request({ origin: OTHER }), '/events', options)).toBeUndefined()
    expect(grantOf(request({}), '/events', options)).toBeUndefined()
  })
})

describe('a grant to read', () => {
  const grant: Grant = { origin: '*', isReadOnly: true, hasCredentials: false }

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
    expect(covers({ ...grant, isReadOnly: false, hasCredentials: true }, request(headers, method))).toBe(true)
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
    expect(headersFor({ origin: APP, isReadOnly: false, hasCredentials: true }, {}, 'GET')).toEqual({
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers':
        'Allow, Content-Disposition, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Cursor',
    })
  })

  test('allow credentials to listed origins only, and never to every origin', () => {
    const of = (origin: string, path: string) => {
      const grant = grantOf(request({ origin }), path, options)
      return grant && headersFor(grant, { origin }, 'GET')['access-control-allow-credentials']
    }
    expect([of(APP, '/api/orders'), of(APP, '/openapi.json')]).toEqual(['true', 'true'])
    expect([of(OTHER, '/openapi.json'), of('http://lab.localhost:8080', '/events')]).toEqual([undefined, undefined])
  })

  test('of a preflight name the methods of the route', () => {
    expect(headersFor({ origin: APP, isReadOnly: false, hasCredentials: true }, preflight, 'OPTIONS')).toMatchObject({
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-headers': expect.stringContaining('Last-Event-ID'),
      'access-control-max-age': '600',
    })
  })

  test('of a preflight name the methods that read, where nothing else is granted', () => {
    expect(headersFor({ origin: '*', isReadOnly: true, hasCredentials: false }, preflight, 'OPTIONS')).toMatchObject({
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
    })
  })

  test('of an OPTIONS request that is no preflight name no methods', () => {
    expect(headersFor({ origin: APP, isReadOnly: false, hasCredentials: true }, {}, 'OPTIONS')).not.toContainKey(
      'access-control-allow-methods',
    )
    expect(headersFor({ origin: APP, isReadOnly: false, hasCredentials: true }, preflight, 'GET')).not.toContainKey(
      'access-control-allow-methods',
    )
  })
})
