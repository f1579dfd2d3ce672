import { describe, expect, test } from 'bun:test'
import { type Checks, healthRoutes } from './health.ts'

const request = async (path: string, checks: Checks, init?: RequestInit) => {
  const response = await healthRoutes(() => checks).handle(new Request(`http://localhost${path}`, init))
  const { status, headers } = response
  return {
    status,
    retryAfter: headers.get('retry-after'),
    caching: headers.get('cache-control'),
    body: await response.json(),
  }
}
const OK = { status: 'ok' } as const
const DEGRADED = { status: 'degraded', detail: 'late' } as const
const FAILED = { status: 'failed', detail: 'gone' } as const

test('the liveness probe depends on no check, and is not cached', async () => {
  expect(await request('/healthz', { log: FAILED })).toEqual({
    status: 200,
    retryAfter: null,
    caching: 'no-store',
    body: { status: 'ok' },
  })
})

describe('readiness', () => {
  test.each([
    [{}, 200, 'ok'],
    [{ a: OK }, 200, 'ok'],
    [{ a: OK, b: DEGRADED }, 200, 'degraded'],
    [{ a: DEGRADED, b: FAILED, c: OK }, 503, 'unavailable'],
  ] as [Checks, number, string][])('of %j is %d %s', async (checks, status, name) => {
    expect(await request('/readyz', checks)).toEqual({
      status,
      retryAfter: status === 503 ? '2' : null,
      caching: 'no-store',
      body: { status: name, checks },
    })
  })

  test('is read, and takes no other method', async () => {
    const { status, body } = await request('/readyz', {}, { method: 'POST' })
    expect([status, body.code]).toEqual([405, 'method.not_allowed'])
  })
})
