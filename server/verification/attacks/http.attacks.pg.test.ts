import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { MAX_HEAD_BYTES } from '../../http/limits.ts'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { sendRaw } from '../../testing/raw-http.ts'
import { openStream } from '../../testing/stream-reader.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const raw = (request: string) => sendRaw(instance.url, request)

/** A response to GET or HEAD; the body is not read. */
async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  const response = await fetch(`${instance.url}${path}`, { method, headers })
  await response.body?.cancel()
  return response
}

test('every response has the headers that protect a browser: pages, files, JSON, streams, problems and refusals', async () => {
  const check = ({ headers }: Response, what: string) => {
    expect(headers.get('x-content-type-options'), what).toBe('nosniff')
    expect(headers.get('referrer-policy'), what).toBe('same-origin')
    expect(headers.get('permissions-policy'), what).toContain('camera=()')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy, what).toContain("frame-ancestors 'none'")
    expect(policy, what).not.toContain('unsafe')
    expect(headers.get('strict-transport-security'), what).toBeNull()
  }
  const page = await (await fetch(instance.url, { headers: { accept: 'text/html' } })).text()
  const asset = /\/assets\/[^"]+\.js/.exec(page)?.[0] ?? 'the dashboard has no script'
  const paths = ['/', asset, '/assets/none', '/healthz', '/readyz', '/metrics', '/openapi.json', '/asyncapi.json']
  paths.push('/api/orders', '/api/orders/1', '/api/tasks', '/api/notifications', '/api/cluster')
  paths.push('/events', '/events?channel=a..b', '/none')
  for (const path of paths) {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
      check(await get(path, { accept: 'text/event-stream, */*' }, method), `${method} ${path}`)
    }
  }
  check(await get('/healthz', { host: 'evil.example' }), 'a foreign host')
  check(await get('/events', { origin: 'https://evil.example' }), 'a foreign origin')
})

test('browsers that reach the server over TLS are to keep to it: pages, files, JSON, streams and errors', async () => {
  await using behindProxy = await startInstance(database.url, { TRUSTED_PROXIES: '127.0.0.1' })
  for (const path of ['/', '/healthz', '/api/orders', '/events', '/none']) {
    const headers = { 'x-forwarded-proto': 'https', accept: 'text/event-stream, */*' }
    const response = await fetch(`${behindProxy.url}${path}`, { headers })
    await response.body?.cancel()
    expect(response.headers.get('strict-transport-security'), path).toBe('max-age=31536000')
    // Only a trusted proxy can say so.
    expect((await get(path, headers)).headers.get('strict-transport-security'), path).toBeNull()
  }
})

describe('HEAD', () => {
  const headersOf = ({ headers }: { headers: Map<string, string> }) => {
    const { date: _, connection: __, ...rest } = Object.fromEntries(headers)
    return rest
  }

  test('has the headers of GET on the stream, and no content-length', async () => {
    const { status, headers } = await get('/events?channel=a', { accept: 'text/event-stream' })
    const { date: _, connection: __, ...expected } = Object.fromEntries(headers)
    const head = await raw('HEAD /events?channel=a HTTP/1.1\nHost: localhost\nConnection: close\n\n')
    expect([head.status, head.body]).toEqual([status, ''])
    expect(headersOf(head)).toEqual(expected)
    expect(head.headers.has('content-length')).toBe(false)
  })

  test('has the headers of GET on every other resource', async () => {
    const paths = ['/events?channel=a', '/events?limit=0', '/events?before=latest', '/api/orders', '/api/tasks/1']
    for (const path of [...paths, '/healthz', '/metrics', '/openapi.json', '/', '/none']) {
      const ask = (method: string) =>
        raw(`${method} ${path} HTTP/1.1\nHost: localhost\nAccept: application/json\nConnection: close\n\n`)
      const [head, full] = [await ask('HEAD'), await ask('GET')]
      expect([head.status, head.body], path).toEqual([full.status, ''])
      expect(headersOf(head), path).toEqual(headersOf(full))
    }
  })

  test('is an allowed method wherever GET is', async () => {
    for (const path of ['/events', '/healthz', '/api/orders', '/']) {
      expect((await get(path, {}, 'OPTIONS')).headers.get('allow'), path).toContain('GET, HEAD')
    }
  })
})

describe('Accept', () => {
  const typeFor = async (accept: string) => (await get('/events', { accept })).headers.get('content-type')

  test('the stream is chosen when both types have the same weight, in any order', async () => {
    for (const accept of [
      'application/json, text/event-stream',
      'text/event-stream, application/json',
      'text/html, application/json;q=0.5, image/png, text/event-stream;q=0.5',
      '*/*',
    ]) {
      expect(await typeFor(accept), accept).toStartWith('text/event-stream')
    }
  })

  test('JSON is chosen when it has more weight, or is the only type listed', async () => {
    for (const accept of [
      'application/json',
      'application/json, text/event-stream;q=0.9',
      'text/event-stream;q=0.1, application/json;q=0.2',
      'application/json, text/plain, */*',
    ]) {
      expect(await typeFor(accept), accept).toStartWith('application/json')
    }
  })
})

describe('the head of a request', () => {
  test('holds 64 channels of full length', async () => {
    const channels = Array.from({ length: 64 }, (_, index) => `${index}.`.padEnd(255, 'x'))
    await using reader = await openStream(instance.url, channels)
    await fetch(`${instance.url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ channel: channels[63], type: 't' }),
    })
    await reader.untilEvents(1)
  })

  test('is served up to 64 KiB and refused beyond', async () => {
    const ask = (bytes: number) => {
      const start = 'GET /healthz?'
      const end = ' HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
      return raw(`${start}${'x'.repeat(bytes - start.length - end.length)}${end}`)
    }
    expect((await ask(MAX_HEAD_BYTES - 1024)).status).toBe(200)
    expect((await ask(MAX_HEAD_BYTES + 1024)).status).toBe(431)
  })

  test('with two lengths, a hidden transfer coding, a folded header or bare line feeds is refused', async () => {
    const post = 'POST /events HTTP/1.1\nHost: localhost\nContent-Type: application/json\n'
    for (const request of [
      `${post}Content-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n`,
      `${post}Content-Length: 4\nContent-Length: 5\n\nnull`,
      `${post}Transfer-Encoding: xchunked\n\n0\n\n`,
      `${post}X-A: b\n c\nContent-Length: 4\n\nnull`,
      'GET /healthz HTTP/1.1\nHost : localhost\n\n',
    ]) {
      expect((await raw(request)).status, request).toBe(400)
    }
  })
})

describe('bytes after a POST that Bun mistakes for a second request', () => {
  const body = (key: string) => JSON.stringify({ channel: 'pipelined', type: 't', key })
  const post = (key: string, headers = '') =>
    `POST /events HTTP/1.1\nHost: localhost\nContent-Type: application/json\n${headers}Content-Length: ${body(key).length}\n\n${body(key)}`

  test('with "Connection: close", a POST gets its response, and a line break after its body is ignored', async () => {
    for (const rest of ['', '\n', '\n\n', post('never')]) {
      const { status, text } = await raw(`${post('closing', 'Connection: close\n')}${rest}`)
      expect([status, text.split('HTTP/1.1 ').length - 1], JSON.stringify(rest)).toEqual([201, 1])
    }
    expect(await database.sql`select from sse.log where key = 'never'`).toHaveLength(0)
  })

  test('two pipelined requests that are repeated with their keys are published once each', async () => {
    // With or without responses: Bun 1.4.5 closes the connection instead of sending the first one.
    await raw(`${post('first')}${post('second', 'Connection: close\n')}`)
    for (const key of ['first', 'second']) {
      expect((await raw(post(key, 'Connection: close\n'))).status).toBe(201)
      expect(await database.sql`select from sse.log where channel = 'pipelined' and key = ${key}`).toHaveLength(1)
    }
  })
})
