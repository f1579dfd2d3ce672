import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let url: string
let port: string

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { ALLOWED_ORIGINS: 'https://app.example', LAB: 'on' })
  port = new URL(instance.url).port
  url = `http://127.0.0.1:${port}`
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** Status and code of a request with these headers. */
async function send(method: string, path: string, headers: Record<string, string>, body?: object) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
  if (isStream) await response.body?.cancel()
  const text = isStream ? '' : await response.text()
  const code = /"code":"([^"]+)"/.exec(text)?.[1]
  return code === undefined ? response.status : `${response.status} ${code}`
}

/** Every write, with and without a body, and its status without a foreign page. */
const WRITES: readonly (readonly [method: string, path: string, body?: object])[] = [
  ['POST', '/events', { channel: 'a', type: 't' }],
  ['POST', '/api/orders', { customer: 'a', currency: 'EUR', lines: [] }],
  ['POST', '/api/orders/1/transitions', { to: 'paid' }],
  ['POST', '/api/orders/import'],
  ['DELETE', '/api/orders/1'],
  ['POST', '/api/tasks', { kind: 'report' }],
  ['PATCH', '/api/tasks/1', { description: 'x' }],
  ['POST', '/api/tasks/1/cancel'],
  ['POST', '/api/tasks/1/retry'],
  ['DELETE', '/api/tasks/1'],
  ['POST', '/api/notifications', { to: ['a'], title: 'x' }],
  ['POST', '/api/notifications/read', { through: 1 }],
  ['POST', '/api/notifications/1/read'],
  ['POST', '/api/lab/faults', { fault: 'disconnect-streams' }],
  ['PUT', '/none'],
]

describe('cross-site writes', () => {
  test('no write is carried out for a page of another origin, with a body or without', async () => {
    for (const [method, path, body] of WRITES) {
      const headers = { origin: 'http://evil.example' }
      expect(await send(method, path, headers, body), `${method} ${path}`).toBe('403 origin.foreign')
    }
    expect(await database.sql`select from sse.log`).toHaveLength(0)
  })

  test('a form on a foreign page cannot publish text, which a browser sends without asking first', async () => {
    for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
      const response = await fetch(`${url}/events?channel=a`, {
        method: 'POST',
        headers: { ...(headers as Record<string, string>), 'content-type': 'text/plain' },
        body: 'x=1',
      })
      expect([response.status, await response.json()]).toMatchObject([403, { code: 'origin.foreign' }])
    }
    expect(await database.sql`select from sse.log`).toHaveLength(0)
  })

  test('a page on another port of localhost cannot cancel a task', async () => {
    const created = await fetch(`${url}/api/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'demo', input: { seconds: 60 } }),
    })
    const { id } = (await created.json()) as { id: number }
    for (const headers of [
      { origin: 'http://localhost:9999' },
      { origin: 'http://127.0.0.1:9999', 'sec-fetch-site': 'same-site' },
      { origin: `http://localhost:${port}` },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      expect(await send('POST', `/api/tasks/${id}/cancel`, headers), JSON.stringify(headers)).toBe('403 origin.foreign')
    }
    expect(await send('POST', `/api/tasks/${id}/cancel`, { origin: url })).toBe(200)
  })

  test('an opaque origin, another scheme, another port and two Origin headers are not the same origin', async () => {
    for (const origin of ['null', `https://127.0.0.1:${port}`, 'http://127.0.0.1', `${url}, ${url}`, `${url}/`, '']) {
      expect(await send('POST', '/events', { origin }, { channel: 'a', type: 't' }), origin).toBe('403 origin.foreign')
    }
  })

  test('Sec-Fetch-Site same-site and cross-site are refused, also without Origin', async () => {
    for (const site of ['same-site', 'cross-site']) {
      const headers = { 'sec-fetch-site': site }
      expect(await send('POST', '/events', headers, { channel: 'a', type: 't' }), site).toBe('403 origin.foreign')
    }
  })

  test("a name that was rebound to this machine is not the server's own origin, whatever Sec-Fetch-Site says", async () => {
    const headers = { host: 'evil.example', origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' }
    expect(await send('POST', '/events', headers, { channel: 'a', type: 't' })).toBe('421 host.unknown')
  })

  test('pages of this server, programs without Origin, and ALLOWED_ORIGINS may write', async () => {
    for (const headers of [
      {},
      { origin: url },
      { origin: url, 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' },
    ]) {
      expect(
        await send('POST', '/events', headers as never, { channel: 'a', type: 't' }),
        JSON.stringify(headers),
      ).toBe(201)
    }
  })

  test('a page over https is one of this server only where a trusted proxy says that the request came over TLS', async () => {
    await using behindProxy = await startInstance(database.url, { TRUSTED_PROXIES: '127.0.0.1' })
    const publishAt = async (address: string, headers: Record<string, string>) => {
      const response = await fetch(`${address}/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', host: 'localhost', origin: 'https://localhost', ...headers },
        body: '{"channel":"a","type":"t"}',
      })
      return response.status
    }
    expect(await publishAt(behindProxy.url, { 'x-forwarded-proto': 'https' })).toBe(201)
    expect(await publishAt(url, { 'x-forwarded-proto': 'https' })).toBe(403)
    for (const headers of [
      { forwarded: 'proto=https;host=localhost' },
      { 'x-forwarded-ssl': 'on' },
      { 'x-forwarded-scheme': 'https' },
      { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'localhost' },
    ]) {
      expect(await publishAt(behindProxy.url, headers as never), JSON.stringify(headers)).toBe(403)
    }
  })

  test('a name in a header other than Host is not believed, not even from a trusted proxy', async () => {
    await using behindProxy = await startInstance(database.url, { TRUSTED_PROXIES: '127.0.0.1' })
    for (const name of ['x-forwarded-host', 'forwarded', 'x-original-host', 'x-host']) {
      const value = name === 'forwarded' ? 'host=localhost' : 'localhost'
      const headers = { host: 'evil.example', [name]: value }
      expect((await fetch(`${behindProxy.url}/healthz`, { headers })).status, name).toBe(421)
      const page = {
        host: 'localhost',
        origin: 'http://evil.example',
        [name]: value.replace('localhost', 'evil.example'),
      }
      expect((await fetch(`${behindProxy.url}/api/orders`, { headers: page })).status, name).toBe(403)
    }
  })
})

describe('cross-site reads', () => {
  test('a page of another origin cannot hold streams open, with CORS or without', async () => {
    for (const headers of [
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ]) {
      expect(await send('GET', '/events?channel=a', headers as never), JSON.stringify(headers)).toBe(
        '403 origin.foreign',
      )
    }
  })

  test('a link from another site opens the dashboard, but no stream', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect(await send('GET', '/', headers)).toBe(200)
    expect(await send('GET', '/events?channel=a', headers)).toBe('403 origin.foreign')
  })
})

describe('the lab', () => {
  const follow = async (host: string, origin: string) => {
    const response = await fetch(`${url}/events?channel=a`, {
      headers: { accept: 'text/event-stream', host, origin, 'sec-fetch-site': 'cross-site' },
    })
    await response.body?.cancel()
    return [response.status, response.headers.get('access-control-allow-origin')]
  }

  test('streams under other names of this machine are open only to pages of this server, not to any localhost origin', async () => {
    for (const own of [`http://localhost:${port}`, `http://127.0.0.1:${port}`]) {
      expect(await follow(`s7.localhost:${port}`, own)).toEqual([200, own])
    }
    for (const other of [
      'http://localhost:9999',
      'http://localhost',
      `https://localhost:${port}`,
      `http://evil.localhost:${port}`,
      'http://evil.example',
      'null',
    ]) {
      expect(await follow(`s7.localhost:${port}`, other), other).toEqual([403, null])
    }
  })

  test('a page that may read streams can do nothing else', async () => {
    const headers = { host: `s7.localhost:${port}`, origin: `http://localhost:${port}` }
    expect(await send('POST', '/events', headers, { channel: 'a', type: 't' })).toBe('403 origin.foreign')
    expect(await send('GET', '/api/orders', headers)).toBe('403 origin.foreign')
    const preflight = { ...headers, 'access-control-request-method': 'POST' }
    expect(await send('OPTIONS', '/events', preflight)).toBe('403 origin.foreign')
  })
})
