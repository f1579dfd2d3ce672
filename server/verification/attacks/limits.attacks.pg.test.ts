import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { bearer, TOKEN_SECRET } from '../../testing/tokens.ts'

const LIMIT = 3

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let streams: AbortController[] = []

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, {
    JWT_SECRET: TOKEN_SECRET,
    MAX_STREAMS_PER_SUBJECT: String(LIMIT),
    MAX_STREAMS_PER_ADDRESS: String(2 * LIMIT),
    PUBLISH_RATE: '1',
    TRUSTED_PROXIES: '127.0.0.0/8',
    RETRY_MS: '100',
  })
}, 60_000)
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** Opens a stream of a subject, by a client behind the proxy. Returns its first frame. */
async function open(sub: string, address: string, clientId?: string): Promise<string> {
  const stop = new AbortController()
  streams.push(stop)
  const query = new URLSearchParams({ channel: 'broadcast', ...(clientId && { clientId }) })
  const response = await fetch(`${instance.url}/events?${query}`, {
    headers: { accept: 'text/event-stream', 'x-forwarded-for': address, ...(await bearer({ sub })) },
    signal: stop.signal,
  })
  const reader = response.body?.getReader()
  let text = ''
  while (!text.includes('event: ')) text += new TextDecoder().decode((await reader?.read())?.value)
  return text
}

async function closeAll(): Promise<void> {
  for (const stream of streams) stream.abort()
  streams = []
  while (!(await metrics()).includes('sse_update_connections 0\n')) await Bun.sleep(5)
}

const metrics = async () =>
  (await fetch(`${instance.url}/metrics`, { headers: await bearer({ sub: 'olga', role: 'operator' }) })).text()

const publish = async (sub: string, count: number) =>
  fetch(`${instance.url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await bearer({ sub, publish: ['a'] })) },
    body: JSON.stringify(Array.from({ length: count }, () => ({ channel: 'a', type: 't', data: 1 }))),
  })

describe('streams', () => {
  test('of one subject beyond the limit get closing with a time to wait, from whatever address', async () => {
    for (let index = 0; index < LIMIT; index++) {
      expect(await open('alice', `192.0.2.${index}`, `page-${index}`)).toContain('event: ready')
    }
    const refused = await open('alice', '192.0.2.99')
    const { reason, retry } = JSON.parse(/data: (.*)/.exec(refused)?.[1] ?? '{}')
    expect([refused.includes('event: closing'), reason]).toEqual([true, 'limit'])
    expect(retry).toBeGreaterThanOrEqual(300)
    // A page that is reloaded replaces its own stream, and another subject is not affected.
    expect(await open('alice', '192.0.2.1', 'page-1')).toContain('event: ready')
    expect(await open('bob', '192.0.2.1')).toContain('event: ready')
    expect(await metrics()).toContain('sse_update_limits_reached_total{limit="streams_per_subject"} 1')
    await closeAll()
    expect(await open('alice', '192.0.2.99')).toContain('event: ready')
    await closeAll()
  }, 30_000)

  test('of one address beyond the limit get closing, of whatever subject', async () => {
    for (let index = 0; index < 2 * LIMIT; index++) {
      expect(await open(`user-${index}`, '192.0.2.7')).toContain('event: ready')
    }
    expect(await open('another', '192.0.2.7')).toContain('"limit"')
    // What the client itself puts into the header does not help.
    expect(await open('another', '198.51.100.1, 192.0.2.7')).toContain('"limit"')
    expect(await open('another', '192.0.2.8')).toContain('event: ready')
    expect(await metrics()).toContain('sse_update_limits_reached_total{limit="streams_per_address"} 2')
    await closeAll()
  }, 30_000)
})

describe('publishing', () => {
  test('faster than the rate gets 429 with the time to wait, and nothing is published', async () => {
    const first = await publish('alice', 999)
    expect([first.status, first.headers.get('ratelimit-policy')]).toEqual([201, '"publish";q=1000;w=1000'])
    expect(first.headers.get('ratelimit')).toMatch(/^"publish";r=[12];t=\d+$/)
    const { positions } = (await first.json()) as { positions: number[] }
    const second = await publish('alice', 500)
    expect(second.status).toBe(429)
    expect(await second.json()).toMatchObject({ code: 'publish.too_fast' })
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(400)
    expect(second.headers.get('ratelimit')).toMatch(/^"publish";r=\d+;t=\d+$/)
    const third = await publish('bob', 1)
    expect(((await third.json()) as { positions: number[] }).positions).toEqual([(positions.at(-1) ?? 0) + 1])
    expect(await metrics()).toContain('sse_update_limits_reached_total{limit="publish_rate"} 1')
  }, 30_000)
})

test('a publication that is refused counts as one event against the rate', async () => {
  await using limited = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, PUBLISH_RATE: '1' })
  const headers = { 'content-type': 'application/json', ...(await bearer({ sub: 'alice', publish: ['a'] })) }
  const body = JSON.stringify({ channel: 'b', type: 't' })
  const send = () => fetch(`${limited.url}/events`, { method: 'POST', headers, body })
  const statuses = new Set<number>()
  // A burst is 1,000.
  for (let n = 0; n < 30 && !statuses.has(429); n++) {
    for (const { status } of await Promise.all(Array.from({ length: 50 }, send))) statuses.add(status)
  }
  expect([...statuses].sort()).toEqual([403, 429])
}, 60_000)

describe('requests', () => {
  const send = async ({ url }: Runtime, path: string, sub: string, method = 'GET') =>
    fetch(`${url}${path}`, {
      method,
      headers: { accept: 'application/json', ...(await bearer({ sub, subscribe: ['>'] })) },
    })

  test('for the head of a stream count, too', async () => {
    await using limited = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, REQUEST_RATE: '1' })
    const headers = { accept: 'text/event-stream', ...(await bearer({ sub: 'alice', subscribe: ['>'] })) }
    const head = () => fetch(`${limited.url}/events`, { method: 'HEAD', headers })
    const statuses = (await Promise.all(Array.from({ length: 20 }, head))).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
  })

  test('faster than the rate get 429 with the time to wait, on every route that costs a query, and nobody else does', async () => {
    await using limited = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, REQUEST_RATE: '1' })
    for (let n = 0; n < 5; n++) expect((await send(limited, '/events', 'alice')).status).toBe(200)
    for (const [method, path] of [
      ['GET', '/events'],
      ['GET', '/events?before=latest'],
      ['GET', '/metrics'],
      ['GET', '/api/cluster'],
      ['GET', '/api/orders'],
      ['GET', '/api/tasks'],
      ['GET', '/api/notifications'],
      ['DELETE', '/api/orders/1'],
      ['GET', '/session'],
      ['POST', '/session'],
    ] as const) {
      // A token of the bucket may have come back meanwhile.
      const responses = [await send(limited, path, 'alice', method), await send(limited, path, 'alice', method)]
      const refused = responses.find(({ status }) => status === 429)
      expect(await refused?.json(), `${method} ${path}`).toMatchObject({ code: 'request.too_fast' })
      expect(refused?.headers.get('retry-after')).toMatch(/^[1-9]$/)
      expect(refused?.headers.get('ratelimit-policy')).toBe('"requests";q=5;w=5')
      expect(refused?.headers.get('ratelimit')).toMatch(/^"requests";r=0;t=\d$/)
    }
    expect((await send(limited, '/api/orders', 'bob')).status).toBe(200)
    expect((await send(limited, '/healthz', 'alice')).status).toBe(200)
    const text = await (
      await fetch(`${limited.url}/metrics`, { headers: await bearer({ sub: 'olga', role: 'operator' }) })
    ).text()
    expect(text).toMatch(/limits_reached_total\{limit="request_rate"\} (1\d|2[0-2])\n/)
  }, 30_000)

  test('that are refused by a limit are documented with the fields that say so', async () => {
    const { paths } = (await (await fetch(`${instance.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { responses: Record<string, { headers?: object }> }>>
    }
    const limited = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { responses }]) =>
        responses['429'] ? [[`${method} ${path}`, responses['429'].headers] as const] : [],
      ),
    )
    const routes: string[] = limited.map(([route]) => route)
    for (const route of ['get /events', 'post /events', 'post /session', 'get /api/orders', 'post /api/orders']) {
      expect(routes).toContain(route)
    }
    for (const [route, headers] of limited) {
      expect(Object.keys(headers ?? {}), route).toEqual(['Retry-After', 'RateLimit-Policy', 'RateLimit'])
    }
  })
})
