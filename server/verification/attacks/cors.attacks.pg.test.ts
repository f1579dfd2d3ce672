import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'

const ORIGIN = 'https://app.example'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let url: string
let port: string

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { ALLOWED_ORIGINS: ORIGIN, LAB: 'on' })
  port = new URL(instance.url).port
  url = `http://127.0.0.1:${port}`
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const names = (value: string | null) => (value ?? '').toLowerCase().split(/,\s*/).sort()

const preflight = (path: string, method: string, requested: string, headers: Record<string, string> = {}) =>
  fetch(`${url}${path}`, {
    method: 'OPTIONS',
    headers: {
      origin: ORIGIN,
      'access-control-request-method': method,
      'access-control-request-headers': requested,
      ...headers,
    },
  })

describe('CORS', () => {
  test('a preflight is accepted for every route and method, with the headers that the API reads', async () => {
    const openApi = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> }
    for (const [template, operations] of Object.entries(openApi.paths)) {
      const path = template.replace('{id}', '1').replace('{name}', 'report.csv')
      for (const method of Object.keys(operations).map((name) => name.toUpperCase())) {
        const response = await preflight(path, method, 'last-event-id')
        const { headers } = response
        expect(response.status, `${method} ${path}`).toBe(204)
        expect(headers.get('access-control-allow-origin')).toBe(ORIGIN)
        expect(names(headers.get('vary'))).toContain('origin')
        expect(names(headers.get('access-control-allow-methods')), `${method} ${path}`).toContain(method.toLowerCase())
        expect(names(headers.get('access-control-allow-headers'))).toEqual(
          expect.arrayContaining([
            'authorization',
            'content-type',
            'idempotency-key',
            'if-match',
            'last-event-id',
            'x-client-id',
            'x-user',
          ]),
        )
        expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0)
      }
    }
  })

  test('the lab may send Last-Event-ID to another name of this machine', async () => {
    const origin = `http://localhost:${port}`
    const response = await preflight('/events', 'GET', 'last-event-id', { origin, host: `s1.localhost:${port}` })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, origin])
    expect(names(response.headers.get('access-control-allow-headers'))).toContain('last-event-id')
    expect(names(response.headers.get('access-control-allow-methods'))).toEqual(['get', 'head', 'options'])
  })

  test('a page can read errors of every status, and the headers Retry-After, ETag and X-Cursor', async () => {
    const asked: [number, string, RequestInit][] = [
      [400, '/events?channel=a..b', {}],
      [404, '/none', {}],
      [404, '/api/orders/1', {}],
      [405, '/events', { method: 'DELETE' }],
      [406, '/events', { headers: { accept: 'image/png' } }],
      [415, '/events', { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } }],
    ]
    for (const [status, path, init] of asked) {
      const response = await fetch(`${url}${path}`, { ...init, headers: { ...init.headers, origin: ORIGIN } })
      await response.text()
      expect([response.status, response.headers.get('access-control-allow-origin')], path).toEqual([status, ORIGIN])
      expect(names(response.headers.get('access-control-expose-headers'))).toEqual(
        expect.arrayContaining(['etag', 'retry-after', 'x-cursor']),
      )
    }
  })

  test('credentials are allowed to listed origins only, on streams, data, errors and preflights, and never with *', async () => {
    const credentialsFor = async (path: string, origin: string, method = 'GET') => {
      const headers = { origin, accept: 'text/event-stream, */*', 'access-control-request-method': 'GET' }
      const response = await fetch(`${url}${path}`, { method, headers })
      await response.body?.cancel()
      return [
        response.headers.get('access-control-allow-origin'),
        response.headers.get('access-control-allow-credentials'),
      ]
    }
    for (const path of ['/events', '/api/orders', '/none', '/openapi.json', '/metrics', '/session']) {
      expect(await credentialsFor(path, ORIGIN), path).toEqual([ORIGIN, 'true'])
      expect(await credentialsFor(path, ORIGIN, 'OPTIONS'), path).toEqual([ORIGIN, 'true'])
      expect((await credentialsFor(path, 'https://evil.example'))[1], path).toBeNull()
      expect((await credentialsFor(path, 'null'))[1], path).toBeNull()
    }
    expect(await credentialsFor('/openapi.json', 'https://evil.example')).toEqual(['*', null])
  })

  test('a preflight from an origin that is not listed is refused without CORS headers', async () => {
    const response = await preflight('/events', 'GET', 'last-event-id', { origin: 'https://evil.example' })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, null])
  })

  test('pages of any origin may read the API documents', async () => {
    for (const path of ['/openapi.json', '/asyncapi.json']) {
      const response = await fetch(`${url}${path}`, { headers: { origin: 'https://tool.example' } })
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
      await response.text()
    }
  })

  test('OPTIONS without an Origin lists the methods, without CORS headers', async () => {
    const { status, headers } = await fetch(`${url}/events`, { method: 'OPTIONS' })
    expect([status, headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })
})
