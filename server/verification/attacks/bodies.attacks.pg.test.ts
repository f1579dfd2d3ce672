import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance, startProcess } from '../../testing/instance.ts'
import {
  sendUnfinished,
  type UnfinishedRequest,
  type UnfinishedRequestOptions,
} from '../../testing/unfinished-request.ts'
import { until } from '../../testing/until.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

const event = (data: unknown) => JSON.stringify({ channel: 'a', type: 't', data })
const post = (url: string, body: string, path = '/events') =>
  fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
const metric = async (url: string, name: string) => {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^sse_update_${name} (.*)$`, 'm').exec(text)?.[1])
}
const readiness = async (url: string) => (await fetch(`${url}/readyz`)).json()

/** Opens several unfinished requests; they are closed at the end of the block. */
function sendMany(count: number, url: string, options: UnfinishedRequestOptions) {
  const requests: UnfinishedRequest[] = Array.from({ length: count }, () => sendUnfinished(url, options))
  return {
    requests,
    [Symbol.dispose]() {
      for (const request of requests) request[Symbol.dispose]()
    },
  }
}

/** Sent every 100 ms: more than the minimum rate. */
const FAST_DRIP = ' '.repeat(512)
const ONE_ADDRESS_IS_ALL = { MAX_BODIES_PER_ADDRESS: '0' }

describe('unfinished bodies', () => {
  test('sixteen sockets that trickle bytes do not stop other publishers, and get 408', async () => {
    await using instance = await startInstance(database.url)
    using slow = sendMany(16, `${instance.url}/events`, { start: '[', drip: ' ' })
    await Promise.all(slow.requests.map(({ sent }) => sent))
    await until(
      '16 bodies are open',
      () => metric(instance.url, 'open_bodies'),
      (count) => count === 16,
    )
    expect((await post(instance.url, event(1))).status).toBe(201)
    expect(await readiness(instance.url)).toMatchObject({ status: 'ok' })
    for (const { response, closed } of slow.requests) {
      expect(await response).toMatchObject({ status: 408, body: expect.stringContaining('body.too_slow') })
      await closed
    }
    expect(await metric(instance.url, 'open_bodies')).toBe(0)
    expect(await metric(instance.url, 'bodies_refused_total{reason="too_slow"}')).toBe(16)
  }, 20_000)

  test('a body that keeps the minimum rate still has a deadline, on every route', async () => {
    await using instance = await startInstance(database.url, { BODY_TIMEOUT_MS: '1000' })
    const paths = ['/events', '/api/orders', '/api/tasks', '/api/notifications', '/api/notifications/read']
    await Promise.all(
      paths.map(async (path) => {
        using request = sendUnfinished(`${instance.url}${path}`, { drip: FAST_DRIP.slice(0, 120) })
        const { status, headers } = await request.response
        expect([path, status]).toEqual([path, 408])
        expect(headers).toMatch(/retry-after: \d/i)
        await request.closed
      }),
    )
  }, 20_000)

  test('the number of slow bodies per address is limited: further ones get 429, and fast ones are accepted', async () => {
    await using instance = await startInstance(database.url, { MAX_BODIES_PER_ADDRESS: '5' })
    using slow = sendMany(8, `${instance.url}/events`, { start: '[', drip: FAST_DRIP })
    const refused = await Promise.all(slow.requests.slice(5).map(({ response }) => response))
    for (const { status, headers, body } of refused) {
      expect([status, body]).toEqual([429, expect.stringContaining('body.too_many')])
      expect(headers).toMatch(/retry-after: \d/i)
    }
    expect(await metric(instance.url, 'open_bodies')).toBe(5)
    expect((await post(instance.url, event(1))).status).toBe(201)
    expect(await readiness(instance.url)).toMatchObject({
      status: 'degraded',
      checks: { bodies: { status: 'degraded' } },
    })
  }, 20_000)

  test('the total number of slow bodies is limited: further ones get 503', async () => {
    await using instance = await startInstance(database.url, { MAX_BODIES: '5', ...ONE_ADDRESS_IS_ALL })
    using slow = sendMany(8, `${instance.url}/api/orders`, { start: '[', drip: ' '.repeat(120) })
    const refused = await Promise.all(slow.requests.slice(5).map(({ response }) => response))
    for (const { status, body } of refused) {
      expect([status, body]).toEqual([503, expect.stringContaining('body.overloaded')])
    }
    expect(await metric(instance.url, 'open_bodies')).toBe(5)
    expect((await post(instance.url, event(1))).status).toBe(201)
  }, 20_000)

  test('slow bodies that fill the memory are rejected, the oldest first, to make room for others', async () => {
    await using instance = await startInstance(database.url, {
      MAX_BODY_MEMORY: String(2 ** 20),
      MAX_EVENT_BYTES: String(2 ** 18),
      ...ONE_ADDRESS_IS_ALL,
    })
    using slow = sendMany(3, `${instance.url}/events`, { start: `[${' '.repeat(300 * 1024)}`, drip: FAST_DRIP })
    await until(
      'the bodies are read',
      () => metric(instance.url, 'open_body_bytes'),
      (bytes) => bytes > 900 * 1024,
    )
    await until('a body is taken', async () => (await post(instance.url, event('x'.repeat(200 * 1024)))).status === 201)
    const first = await Promise.race(slow.requests.map(({ response }) => response))
    expect(first).toMatchObject({ status: 503, body: expect.stringContaining('body.overloaded') })
    expect(await metric(instance.url, 'open_bodies')).toBeGreaterThan(0)
  }, 20_000)

  test('fifty unfinished bodies of 15 MiB stay within the memory limit and release their memory', async () => {
    await using instance = await startProcess({ DATABASE_URL: database.url, MAX_REQUEST_BYTES: String(16 * 2 ** 20) })
    const before = await metric(instance.url, 'resident_memory_bytes')
    let peak = before
    const start = Buffer.alloc(15 * 2 ** 20, ' ')
    for (const path of ['/events', '/api/orders']) {
      using large = sendMany(50, `${instance.url}${path}`, { start })
      const all = Promise.all(
        large.requests.map(({ sent, response, closed }) => Promise.race([sent, response, closed])),
      )
      let isSent = false
      void all.then(() => {
        isSent = true
      })
      await until('all bodies are sent or refused', async () => {
        expect(await metric(instance.url, 'open_body_bytes')).toBeLessThanOrEqual(64 * 2 ** 20)
        peak = Math.max(peak, await metric(instance.url, 'resident_memory_bytes'))
        return isSent
      })
      expect((await post(instance.url, event(1))).status).toBe(201)
    }
    expect((peak - before) / 2 ** 20).toBeLessThan(300)
    await until(
      'no body is left',
      () => metric(instance.url, 'open_body_bytes'),
      (bytes) => bytes === 0,
    )
    await until(
      'the memory is given back',
      () => metric(instance.url, 'resident_memory_bytes'),
      (bytes) => bytes < before + 150 * 2 ** 20,
    )
  }, 60_000)

  test('routes that read no body do not wait for one', async () => {
    await using instance = await startInstance(database.url)
    const routes = [
      ['DELETE', '/api/orders/1'],
      ['PUT', '/api/orders/1'],
      ['POST', '/api/tasks/1/cancel'],
      ['POST', '/api/tasks/1/retry'],
      ['DELETE', '/api/tasks/1'],
      ['POST', '/api/notifications/1/read'],
      ['PUT', '/events'],
      ['DELETE', '/events'],
      ['POST', '/healthz'],
      ['POST', '/nowhere'],
      ['POST', '/api/nowhere'],
      ['PATCH', '/'],
    ] as const
    for (const [method, path] of routes) {
      using request = sendUnfinished(`${instance.url}${path}`, { method, start: '{' })
      expect((await request.response).status, `${method} ${path}`).toBeWithin(400, 500)
    }
  })
})

describe('a client that disconnects while it sends a body', () => {
  test.each([
    ['an upload', '/api/orders/import', 'text/csv'],
    ['an event', '/events', 'application/json'],
    ['an order', '/api/orders', 'application/json'],
  ])(
    'is not logged as an error of the server: %s',
    async (_, path, contentType) => {
      await using instance = await startProcess({ DATABASE_URL: database.url, LOG_LEVEL: 'info' })
      for (const length of [undefined, 50_000]) {
        for (const start of ['', 'customer', 'x'.repeat(40_000)]) {
          const request = sendUnfinished(`${instance.url}${path}`, { contentType, start, ...(length && { length }) })
          await request.sent
          await until(
            'the body is read',
            () => metric(instance.url, 'open_bodies'),
            (count) => count === 1,
          )
          request[Symbol.dispose]()
          await request.closed
        }
      }
      await until(
        'no body is left',
        () => metric(instance.url, 'open_bodies'),
        (count) => count === 0,
      )
      expect(await instance.end('SIGTERM')).toBe(0)
      await until('the last line is logged', () => instance.output.includes('stopped'))
      expect(instance.output).not.toContain('a request failed')
      expect(instance.output).not.toMatch(/"level":"?(?:50|error)/)
    },
    60_000,
  )
})
