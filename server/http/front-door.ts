import type { HigherOrderFunction } from 'elysia/types'
import { AppError } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { createReportBlocked } from './blocked-origins.ts'
import { addCorsHeaders, type CorsOptions, covers, type Grant, grantOf } from './cors.ts'
import { createHostCheck, type HostCheckOptions } from './host.ts'
import { isSecure, senderOf } from './origin.ts'
import { problemResponse } from './problem.ts'
import { urlOf } from './request-url.ts'
import { addSecurityHeaders } from './security-headers.ts'

/** What is checked of every request. */
export interface FrontDoorOptions {
  host: HostCheckOptions
  cors: CorsOptions
  logger: Logger
}

type Respond = (request: Request, ...rest: unknown[]) => Response | Promise<Response>

/**
 * What every request passes before its route, and every response after it: the `Host` header, the origin of the page that
 * sends it, CORS, and headers that all responses have. Nothing is served around it: files, documents, metrics and health
 * checks pass it too.
 *
 * @returns a function for Elysia's `wrap`
 */
export function createFrontDoor({ host, cors, logger }: FrontDoorOptions): HigherOrderFunction {
  const reportBlocked = createReportBlocked(logger)
  const checkHost = createHostCheck(host)

  /** The grant of a page of another origin. @throws {AppError} `host.invalid`, `host.unknown`, `origin.foreign` */
  const admit = (request: Request): Grant | undefined => {
    checkHost(request.headers.get('host'))
    if (senderOf(request) !== 'foreign') return undefined
    const grant = grantOf(request, urlOf(request).pathname, cors)
    if (grant && covers(grant, request)) {
      // A browser sends cookies with every WebSocket, whatever CORS would say of the response.
      if (!grant.hasCredentials) request.headers.delete('cookie')
      return grant
    }
    reportBlocked(request)
    throw foreign()
  }

  const door =
    (respond: Respond): Respond =>
    (request, ...rest) => {
      let grant: Grant | undefined
      try {
        grant = admit(request)
      } catch (error) {
        return finish(problemResponse(error), request)
      }
      const response = respond(request, ...rest)
      return response instanceof Promise
        ? response.then((settled) => finish(settled, request, grant))
        : finish(response, request, grant)
    }
  // Elysia's type does not know what it passes.
  return door as unknown as HigherOrderFunction
}

function finish(response: Response, request: Request, grant?: Grant): Response {
  addSecurityHeaders(response.headers, isSecure(request))
  response.headers.append('vary', 'origin')
  if (grant) addCorsHeaders(response, request, grant)
  return response
}

const foreign = () =>
  new AppError(
    'origin.foreign',
    'Pages of other origins have no access. The setting ALLOWED_ORIGINS grants it to exact origins. A proxy that terminates TLS has to preserve Host and send X-Forwarded-Proto.',
    { status: 403 },
  )
