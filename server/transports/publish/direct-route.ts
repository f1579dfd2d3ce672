import type { HigherOrderFunction } from 'elysia/types'
import type { Incoming } from '../../http/client-address.ts'
import { type PublishedEvents, type PublishOptions, publishRequest } from './publish.ts'

/** What the direct route needs. */
export interface DirectRouteOptions extends PublishOptions {
  /** That has the connection of a request. */
  server: () => Incoming['server']
  /** The response to a request that failed. */
  onError: (error: unknown, request: Request) => Response
}

type Respond = (request: Request, ...rest: unknown[]) => Response | Promise<Response>

/**
 * Handles `POST /events` before the router, whose generic handling of a request costs as much as all the rest. Responses are the same,
 * byte by byte, as those of the route in `transports/routes.ts`, which documents it and serves other forms of the path.
 *
 * @returns a function for Elysia's `wrap`, to be called before those of checks that come first
 */
export function createDirectRoute(options: DirectRouteOptions): HigherOrderFunction {
  const publish = async (request: Request): Promise<Response> => {
    try {
      return responseOf(await publishRequest({ request, server: options.server() }, options))
    } catch (error) {
      return options.onError(error, request)
    }
  }
  const route =
    (respond: Respond): Respond =>
    (request, ...rest) =>
      request.method === 'POST' && isEvents(request.url) ? publish(request) : respond(request, ...rest)
  // Elysia's type does not know what it passes.
  return route as unknown as HigherOrderFunction
}

const PATH = '/events'

/** Whether the path of a URL is `/events`, exactly. */
function isEvents(url: string): boolean {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  if (!url.startsWith(PATH, start)) return false
  const end = start + PATH.length
  return url.length === end || url[end] === '?'
}

const CONTENT_TYPE = 'application/json; charset=utf-8'

function responseOf({ positions, isBatch, headers }: PublishedEvents): Response {
  const body = isBatch ? `{"positions":[${positions.join(',')}]}\n` : `{"position":${positions[0]}}\n`
  return new Response(body, { status: 201, headers: { 'content-type': CONTENT_TYPE, ...headers } })
}
