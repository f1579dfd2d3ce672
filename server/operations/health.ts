import { Elysia } from 'elysia'
import { methodNotAllowed } from './problem.ts'

/** One thing that readiness depends on. */
export interface Check {
  /**
   * - `ok`
   * - `degraded`: serves, but not as it should
   * - `failed`: must not get traffic
   */
  status: 'ok' | 'degraded' | 'failed'
  /** What is wrong, for a person. */
  detail?: string
}

export type Checks = Record<string, Check>

/** `/healthz`: the process turns. `/readyz`: it should get traffic, and if not, why. */
export const healthRoutes = (checks: () => Checks) =>
  new Elysia({ name: 'health' })
    .get('/healthz', () => answer(200, { status: 'ok' }))
    .all('/healthz', ({ request }) => methodNotAllowed(request, 'GET'))
    .get('/readyz', () => {
      const results = checks()
      const status = worst(Object.values(results))
      return answer(status === 'failed' ? 503 : 200, {
        status: status === 'failed' ? 'unavailable' : status,
        checks: results,
      })
    })
    .all('/readyz', ({ request }) => methodNotAllowed(request, 'GET'))

const worst = (checks: readonly Check[]): Check['status'] =>
  (['failed', 'degraded'] as const).find((status) => checks.some((check) => check.status === status)) ?? 'ok'

const answer = (status: number, body: unknown) =>
  Response.json(body, {
    status,
    headers: { 'cache-control': 'no-store', ...(status === 503 && { 'retry-after': '2' }) },
  })
