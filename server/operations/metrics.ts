import { Elysia } from 'elysia'
import { type Authorize, checkOperator } from '../auth/actor.ts'
import { detail } from '../http/describe-route.ts'
import { otherMethods } from '../http/problem.ts'
import type { Renderer } from '../telemetry/prometheus.ts'

/** What `/metrics` needs. */
export interface MetricsRoutesOptions {
  metrics: Renderer
  authorize: Authorize
}

/** `GET /metrics`, in the text format of Prometheus; for operators. */
export const metricsRoutes = ({ metrics, authorize }: MetricsRoutesOptions) =>
  new Elysia({ name: 'metrics', tags: ['operations'] })
    .get(
      '/metrics',
      async ({ request }) => {
        checkOperator(await authorize(request))
        return new Response(await metrics.render(), { headers: { 'content-type': metrics.contentType } })
      },
      {
        detail: detail({
          summary: 'Metrics, in the text format of Prometheus',
          errors: ['access.denied', 'request.too_fast'],
          operation: {
            responses: {
              200: {
                description: 'The metrics.',
                content: { 'text/plain': { example: 'sse_update_connections 3\n' } },
              },
            },
          },
        }),
      },
    )
    .use(otherMethods({ '/metrics': 'GET' }))
