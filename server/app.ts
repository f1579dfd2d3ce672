import { Elysia, ParseError, ValidationError } from 'elysia'
import { DOCUMENT_PATHS, documentRoutes } from './api/routes.ts'
import type { CorsOptions } from './http/cors.ts'
import { createFrontDoor } from './http/front-door.ts'
import type { HostCheckOptions } from './http/host.ts'
import { problemResponse } from './http/problem.ts'
import { checkRepetition } from './http/query-parameters.ts'
import { urlOf } from './http/request-url.ts'
import { invalidRequest } from './http/validation.ts'
import { type ClusterRoutesOptions, clusterRoutes } from './operations/cluster-routes.ts'
import { dashboardPage, dashboardRoutes } from './operations/dashboard.ts'
import { type Checks, healthRoutes } from './operations/health.ts'
import { metricsRoutes } from './operations/metrics.ts'
import { databaseProblem } from './platform/database-errors.ts'
import { AppError } from './platform/errors.ts'
import type { Logger } from './platform/logger.ts'
import { type ShopRoutesOptions, shopRoutes } from './shop/routes.ts'
import type { Prometheus } from './telemetry/prometheus.ts'
import { type EventRoutesOptions, eventRoutes } from './transports/routes.ts'

export interface AppOptions extends EventRoutesOptions, ShopRoutesOptions, ClusterRoutesOptions {
  host: HostCheckOptions
  cors: Omit<CorsOptions, 'publicPaths'>
  checks: () => Checks
  metrics: Prometheus
  /** Folder of the built dashboard; without it, the front page says how to build it. */
  dashboard: string | undefined
  logger: Logger
}

/** The whole HTTP interface. */
export const createApp = (options: AppOptions) => {
  const isLab = options.faults !== undefined
  const toResponse = (error: unknown, code: unknown, request: Request): Response => {
    if (code === 'NOT_FOUND') return problemResponse(notFound(request))
    if (error instanceof ValidationError) return problemResponse(invalidRequest(error, request))
    // Elysia wraps what a parser throws.
    const cause = error instanceof ParseError ? error.cause : error
    const known = cause instanceof AppError ? cause : databaseProblem(cause)
    if (!known) options.logger.error({ err: error, method: request.method, url: request.url }, 'a request failed')
    else if (known.status >= 500) options.logger.warn({ code: known.code, url: request.url }, known.message)
    return problemResponse(known ?? error)
  }
  // A member that nobody knows is told, not dropped.
  const app = new Elysia({ normalize: false })
    .wrap(createFrontDoor({ host: options.host, cors: { ...options.cors, publicPaths: DOCUMENT_PATHS } }))
    .onError({ as: 'global' }, ({ error, code, request }) => {
      if (code === 'NOT_FOUND' && options.dashboard && isForPerson(request)) {
        return dashboardPage(options.dashboard, isLab, 404)
      }
      return toResponse(error, code, request)
    })
    .onRequest(({ request }) => checkApiQuery(request))
    .use(healthRoutes(options.checks))
    .use(metricsRoutes(options.metrics))
    .use(eventRoutes(options))
    .use(shopRoutes(options))
    .use(clusterRoutes(options))
    .use(dashboardRoutes(options.dashboard, isLab))
  return app.use(documentRoutes(() => app))
}

export type App = ReturnType<typeof createApp>

/** No parameter of `/api` has several values, and Elysia would take one of them. @throws {AppError} `parameter.repeated` */
function checkApiQuery(request: Request): void {
  if (!request.url.includes('?')) return
  const { pathname, searchParams } = urlOf(request)
  if (pathname.startsWith('/api/')) checkRepetition(searchParams)
}

/** Whether a browser asks for a page, rather than a program for an answer. */
const isForPerson = (request: Request) =>
  request.method === 'GET' &&
  (request.headers.get('accept') ?? '').includes('text/html') &&
  !urlOf(request).pathname.startsWith('/api/')

const notFound = (request: Request) =>
  new AppError(
    'route.unknown',
    `There is nothing at ${urlOf(request).pathname}. The event stream is /events, the dashboard is /.`,
    { status: 404 },
  )
