import { type AnyElysia, Elysia, ParseError, ValidationError } from 'elysia'
import { DOCUMENT_PATHS, documentRoutes } from './api/routes.ts'
import { type SessionRoutesOptions, sessionRoutes } from './auth/session-routes.ts'
import type { Incoming } from './http/client-address.ts'
import type { CorsOptions } from './http/cors.ts'
import { createFrontDoor, type FrontDoorOptions } from './http/front-door.ts'
import { toJsonResponse } from './http/json-response.ts'
import { nearestRoute } from './http/nearest.ts'
import { problemResponse } from './http/problem.ts'
import { checkRepetition } from './http/query-parameters.ts'
import { urlOf } from './http/request-url.ts'
import { invalidRequest } from './http/validation.ts'
import { dashboardPage } from './operations/dashboard.ts'
import { type OperationsRoutesOptions, operationsRoutes } from './operations/routes.ts'
import { databaseProblem } from './platform/database-errors.ts'
import { AppError } from './platform/errors.ts'
import type { Logger } from './platform/logger.ts'
import { type ShopRoutesOptions, shopRoutes } from './shop/routes.ts'
import { createDirectRoute } from './transports/publish/direct-route.ts'
import { type EventRoutesOptions, eventRoutes } from './transports/routes.ts'

/** What each door of the application needs. */
export interface AppOptions {
  /** Of the front door, which every request passes. */
  http: Omit<FrontDoorOptions, 'cors' | 'logger'> & { cors: Omit<CorsOptions, 'publicPaths'> }
  session: SessionRoutesOptions
  events: EventRoutesOptions
  shop: ShopRoutesOptions
  operations: OperationsRoutesOptions
  /** A request was refused; `code` is that of the problem document. */
  onRefused: (code: string) => void
  logger: Logger
}

/** The whole HTTP interface. Its type is that of every route, for clients typed by it. */
export const createApp = ({ http, session, events, shop, operations, onRefused, logger }: AppOptions) => {
  let routes: readonly string[] = []
  const onError = (error: unknown, request: Request): Response => {
    if (error instanceof AppError) onRefused(error.code)
    return failure(error, request, logger)
  }
  const server = (): Incoming['server'] => app.server
  // `normalize` would drop unknown members of a body without an error.
  const app = new Elysia({ normalize: false })
    .wrap(createDirectRoute({ ...events, server, onError }))
    .wrap(createFrontDoor({ ...http, logger, cors: { ...http.cors, publicPaths: DOCUMENT_PATHS } }))
    .onError({ as: 'global' }, ({ error, code, request }) => {
      if (code !== 'NOT_FOUND') return onError(error, request)
      if (!operations.dashboard || !isForPerson(request)) return problemResponse(notFound(request, routes))
      return dashboardPage(operations.dashboard, operations.faults !== undefined, 404)
    })
    .onRequest(({ request }) => checkApiQuery(request))
    .mapResponse({ as: 'global' }, toJsonResponse)
    .use(sessionRoutes(session))
    .use(eventRoutes(events))
    .use(shopRoutes(shop))
    .use(operationsRoutes(operations))
  const complete = app.use(documentRoutes(() => app))
  routes = documentedPaths(complete)
  return complete
}

/** The application with its routes, as `@elysiajs/eden` takes it. */
export type App = ReturnType<typeof createApp>

/** The problem document of whatever a route threw; what is no fault of the client is logged. */
function failure(error: unknown, request: Request, logger: Logger): Response {
  if (error instanceof ValidationError) return problemResponse(invalidRequest(error, request))
  // Elysia wraps what a parser throws.
  const cause = error instanceof ParseError ? error.cause : error
  const known = cause instanceof AppError ? cause : databaseProblem(cause)
  if (!known) logger.error({ err: error, method: request.method, url: request.url }, 'a request failed')
  else if (known.status >= 500) logger.warn({ code: known.code, url: request.url }, known.message)
  return problemResponse(known ?? error)
}

/** No parameter of `/api` has several values, and Elysia would take one of them. @throws {AppError} `parameter.repeated` */
function checkApiQuery(request: Request): void {
  if (!request.url.includes('?')) return
  const { pathname, searchParams } = urlOf(request)
  if (pathname.startsWith('/api/')) checkRepetition(searchParams)
}

/** Whether a browser navigates to a page, rather than a program calling the API. */
const isForPerson = (request: Request) =>
  request.method === 'GET' &&
  (request.headers.get('accept') ?? '').includes('text/html') &&
  !urlOf(request).pathname.startsWith('/api/')

/** Paths of the routes that the OpenAPI document has, such as `/api/orders/:id`. */
const documentedPaths = ({ routes }: AnyElysia): string[] => [
  ...new Set(routes.filter(({ hooks }) => !hooks.detail?.hide).map(({ path }) => path.replace(/(.)\/$/, '$1'))),
]

function notFound(request: Request, routes: readonly string[]): AppError {
  const { pathname } = urlOf(request)
  const route = nearestRoute(pathname, routes)
  // As OpenAPI writes parameters.
  const suggestion = route?.replace(/:(\w+)/g, '{$1}')
  const hint = suggestion
    ? `Did you mean ${suggestion}?`
    : 'The event stream is /events, the dashboard is /, and /openapi.json lists all routes.'
  return new AppError('route.unknown', `There is nothing at ${pathname}. ${hint}`, {
    status: 404,
    ...(suggestion && { extensions: { suggestion } }),
  })
}
