import { Elysia } from 'elysia'
import { detail } from '../http/describe-route.ts'
import { otherMethods } from '../http/problem.ts'

/** The state of one part that readiness depends on. */
export interface Check {
  /**
   * - `ok`
   * - `degraded`: the instance serves, with a restriction
   * - `failed`: the instance must not receive traffic
   */
  status: 'ok' | 'degraded' | 'failed'
  /** What is wrong, for a person. */
  detail?: string
}

/** By the name of the part, such as `listener`. */
export type Checks = Record<string, Check>

/** `/healthz`: liveness probe. `/readyz`: readiness probe, with the state of each part; 503 when one has failed. */
export const healthRoutes = (checks: () => Checks) =>
  new Elysia({ name: 'health', tags: ['operations'] })
    .get('/healthz', () => respond(200, { status: 'ok' }), { detail: HEALTH })
    .get(
      '/readyz',
      () => {
        const results = checks()
        const status = worst(Object.values(results))
        return respond(status === 'failed' ? 503 : 200, {
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
  summary: 'Liveness probe',
  operation: { responses: { 200: json('The process is alive.', { status: 'ok' }) } },
})

const READINESS = detail({
  summary: 'Readiness probe: whether this instance should receive traffic, and if not, why',
  operation: {
    responses: {
      200: json('It should receive traffic; `degraded` when a part is restricted.', {
        status: 'degraded',
        checks: { log: { status: 'ok' }, listener: { status: 'degraded', detail: 'events arrive up to 1000 ms late' } },
      }),
      503: json('It should not receive traffic.', {
        status: 'unavailable',
        checks: { draining: { status: 'failed', detail: 'this instance is stopping' } },
      }),
    },
  },
})

const worst = (checks: readonly Check[]): Check['status'] =>
  (['failed', 'degraded'] as const).find((status) => checks.some((check) => check.status === status)) ?? 'ok'

const respond = (status: number, body: unknown) =>
  Response.json(body, {
    status,
    headers: { 'cache-control': 'no-store', ...(status === 503 && { 'retry-after': '2' }) },
  })
