import type { HigherOrderFunction } from 'elysia/types'
import { AppError } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { createReportBlocked } from './blocked-origins.ts'
import type { IsSecure } from './client-address.ts'
import { addCorsHeaders, type CorsOptions, covers, type Grant, grantOf } from './cors.ts'
import { createHostCheck, type HostCheckOptions } from './host.ts'
import { senderOf } from './origin.ts'
import { problemResponse } from './problem.ts'
import { urlOf } from './request-url.ts'
import { addSecurityHeaders } from './security-headers.ts'

/** What is checked of every request. */
export interface FrontDoorOptions {
  /** Called with every request before anything else. */
  onRequest: (request: Request) => void
  /** Whether a request came over TLS. */
  isSecure: IsSecure
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
export function createFrontDoor({ onRequest, isSecure, host, cors, logger }: FrontDoorOptions): HigherOrderFunction {
  const reportBlocked = createReportBlocked(logger)
  const checkHost = createHostCheck(host)

  /** The grant of a page of another origin. @throws {AppError} `host.invalid`, `host.unknown`, `origin.foreign` */
  const admit = (request: Request, secure: boolean): Grant | undefined => {
    checkHost(request.headers.get('host'))
    if (senderOf(request, secure) !== 'foreign') return undefined
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
      onRequest(request)
      // Read now: the connection may be gone when the response is there.
      const secure = isSecure(request)
      const finish = (response: Response, grant?: Grant) => addHeaders(response, request, secure, grant)
      let grant: Grant | undefined
      try {
        grant = admit(request, secure)
      } catch (error) {
        return finish(problemResponse(error))
      }
      const response = respond(request, ...rest)
      return response instanceof Promise ? response.then((settled) => finish(settled, grant)) : finish(response, grant)
    }
  // Elysia's type does not know what it passes.
  return door as unknown as HigherOrderFunction
}

function addHeaders(response: Response, request: Request, isSecure: boolean, grant?: Grant): Response {
  addSecurityHeaders(response.headers, isSecure)
  response.headers.append('vary', 'origin')
  if (grant) addCorsHeaders(response, request, grant)
  return response
}

const foreign = () =>
  new AppError(
    'origin.foreign',
    'Pages of other origins have no access. The setting ALLOWED_ORIGINS grants it to exact origins. A proxy that terminates TLS has to preserve Host, send X-Forwarded-Proto and be one of TRUSTED_PROXIES.',
    { status: 403 },
  )
