import { Elysia } from 'elysia'
import { detail } from '../http/describe-route.ts'
import { otherMethods } from '../http/problem.ts'
import type { Prometheus } from '../telemetry/prometheus.ts'

/** `GET /metrics`, in the text format of Prometheus. */
export const metricsRoutes = (prometheus: Prometheus) =>
  new Elysia({ name: 'metrics', tags: ['operations'] })
    .get(
      '/metrics',
      async () => new Response(await prometheus.render(), { headers: { 'content-type': prometheus.contentType } }),
      {
        detail: detail({
          summary: 'Metrics, in the text format of Prometheus',
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
