import { describe, expect, test } from 'bun:test'
import { type Checks, healthRoutes } from './health.ts'

const readiness = async (checks: Checks) => {
  const response = await healthRoutes(() => checks).handle(new Request('http://localhost/readyz'))
  return { response, body: (await response.json()) as unknown }
}

describe('readiness', () => {
  test('is ok when every part is', async () => {
    const { response, body } = await readiness({ log: { status: 'ok' } })
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('retry-after')).toBeNull()
    expect(body).toEqual({ status: 'ok', checks: { log: { status: 'ok' } } })
  })

  test('is degraded when a part is, and the instance still receives traffic', async () => {
    const checks: Checks = { log: { status: 'ok' }, listener: { status: 'degraded', detail: 'late' } }
    const { response, body } = await readiness(checks)
    expect(response.status).toBe(200)
    expect(body).toEqual({ status: 'degraded', checks })
  })

  test('is unavailable when a part has failed, whatever the others are', async () => {
    const checks: Checks = { listener: { status: 'degraded' }, log: { status: 'failed' }, relay: { status: 'ok' } }
    const { response, body } = await readiness(checks)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
    expect(body).toEqual({ status: 'unavailable', checks })
  })
})

test('liveness does not depend on any part', async () => {
  const routes = healthRoutes(() => {
    throw new Error('not called')
  })
  const response = await routes.handle(new Request('http://localhost/healthz'))
  expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
})
