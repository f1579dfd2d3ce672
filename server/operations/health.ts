import { Elysia } from 'elysia'
import { detail } from '../http/describe-route.ts'
import { otherMethods } from '../http/problem.ts'

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
  new Elysia({ name: 'health', tags: ['operations'] })
    .get('/healthz', () => answer(200, { status: 'ok' }), { detail: HEALTH })
    .get(
      '/readyz',
      () => {
        const results = checks()
        const status = worst(Object.values(results))
        return answer(status === 'failed' ? 503 : 200, {
          status: status === 'failed' ? 'unavailable' : status,
          checks: results,
        })
      },
      { detail: READINESS },
    )
    .use(otherMethods({ '/healthz': 'GET', '/readyz': 'GET' }))

const json = (description: string, example: object) => ({
  description,
  content: { 'application/json': { example } },
})

const HEALTH = detail({
  summary: 'Whether the process turns',
  operation: { responses: { 200: json('It does.', { status: 'ok' }) } },
})

const READINESS = detail({
  summary: 'Whether this instance should get traffic, and if not, why',
  operation: {
    responses: {
      200: json('It should; `degraded` tells that something is not as it should be.', {
        status: 'degraded',
        checks: { log: { status: 'ok' }, listener: { status: 'degraded', detail: 'events arrive up to 1000 ms late' } },
      }),
      503: json('It should not.', {
        status: 'unavailable',
        checks: { draining: { status: 'failed', detail: 'this instance is stopping' } },
      }),
    },
  },
})

const worst = (checks: readonly Check[]): Check['status'] =>
  (['failed', 'degraded'] as const).find((status) => checks.some((check) => check.status === status)) ?? 'ok'

const answer = (status: number, body: unknown) =>
  Response.json(body, {
    status,
    headers: { 'cache-control': 'no-store', ...(status === 503 && { 'retry-after': '2' }) },
  })
