import { Elysia } from 'elysia'
import type { Authorize } from '../auth/actor.ts'
import type { Bodies } from '../http/body.ts'
import type { Renderer } from '../telemetry/prometheus.ts'
import { clusterRoutes, type Faults } from './cluster-routes.ts'
import { dashboardRoutes } from './dashboard.ts'
import { type Checks, healthRoutes } from './health.ts'
import type { Instances } from './instances.ts'
import { metricsRoutes } from './metrics.ts'

/** What the routes for operators need. */
export interface OperationsRoutesOptions {
  checks: () => Checks
  metrics: Renderer
  instances: Instances
  /** What the lab may do to this instance; `undefined` where faults are not allowed. */
  faults: Faults | undefined
  bodies: Bodies
  authorize: Authorize
  /** Folder of the built dashboard; without it, the front page says how to build it. */
  dashboard: string | undefined
}

/** `/healthz`, `/readyz`, `/metrics`, `/api/cluster`, `/api/lab` and the dashboard. */
export const operationsRoutes = (options: OperationsRoutesOptions) =>
  new Elysia({ name: 'operations', normalize: false })
    .use(healthRoutes(options.checks))
    .use(metricsRoutes(options))
    .use(clusterRoutes(options))
    .use(dashboardRoutes(options.dashboard, options.faults !== undefined))
