import { Elysia } from 'elysia'
import { type Authorize, clientIdOf } from '../auth/actor.ts'
import type { Incoming } from '../http/client-address.ts'
import { otherMethods } from '../http/problem.ts'
import { urlOf } from '../http/request-url.ts'
import type { EventLog } from '../log/log.ts'
import type { Search } from '../log/search.ts'
import { AppError } from '../platform/errors.ts'
import { SECOND } from '../platform/time.ts'
import { FOLLOW, FOLLOW_HEAD, PUBLISH } from './documentation.ts'
import { history, lookBack } from './history/history.ts'
import { waitForPage } from './long-poll/long-poll.ts'
import { type PublishOptions, publishRequest } from './publish/publish.ts'
import { readablePatterns, representation, requestedWait } from './request.ts'
import { checkStreamRequest, openStream, STREAM_HEADERS } from './sse/open-stream.ts'
import { wantsWebSocket } from './websocket/handshake.ts'
import { openSocket, type SocketOptions } from './websocket/open-socket.ts'

/** What the routes of `/events` need. */
export interface EventRoutesOptions extends SocketOptions, PublishOptions {
  /** Of requests for pages of history, and for the head of a stream, which may have a rate limit. */
  authorizeHistory: Authorize
  /** Of requests that wait for events, whose refusals are delayed like those of streams. */
  authorizeWait: Authorize
  log: EventLog
  search: Search
}

/** `/events`: the live stream, pages of history, and publishing. */
export const eventRoutes = (options: EventRoutesOptions) =>
  new Elysia({ name: 'events', tags: ['events'] })
    .get(
      '/events',
      async ({ request, server }) => {
        if (wantsWebSocket(request)) return openSocket({ request, server }, options)
        const query = urlOf(request).searchParams
        switch (representation(request)) {
          case 'stream':
            // Bun would cut a quiet stream; heartbeats and the stall limit take over.
            server?.timeout(request, 0)
            return openStream({ request, server }, options, () => server?.timeout(request, 1))
          case 'history':
            return page({ request, server }, query, options, (seconds) => server?.timeout(request, seconds))
          default:
            throw notAcceptable()
        }
      },
      { detail: FOLLOW },
    )
    .head(
      '/events',
      async ({ request }) => {
        const query = urlOf(request).searchParams
        switch (representation(request)) {
          case 'stream':
            checkStreamRequest(request, await options.authorizeHistory(request))
            // Without this, Bun sends "content-length: 0", which a stream does not have.
            return new Response(null, { headers: { ...STREAM_HEADERS, 'transfer-encoding': 'chunked' } })
          case 'history':
            // Bun sends its headers alone.
            return historyPage(request, query, options)
          default:
            throw notAcceptable()
        }
      },
      { detail: FOLLOW_HEAD },
    )
    .post(
      '/events',
      async ({ request, server, set }) => {
        const { positions, isBatch, headers } = await publishRequest({ request, server }, options)
        set.status = 201
        Object.assign(set.headers, headers)
        return isBatch ? { positions } : { position: positions[0] }
      },
      { parse: 'none', detail: PUBLISH },
    )
    .use(otherMethods({ '/events': 'GET, HEAD, POST' }))

/** Seconds that Bun keeps the connection of a request that waits, beyond the wait. */
const WAIT_MARGIN = 30

/** A page of history, or one that waits for events. */
async function page(
  incoming: Incoming,
  query: URLSearchParams,
  options: EventRoutesOptions,
  setTimeout: (seconds: number) => void,
): Promise<Response> {
  const { request } = incoming
  const wait = query.has('before') ? 0 : requestedWait(request, query)
  if (wait === 0 && query.get('after') !== 'latest') return historyPage(request, query, options)
  setTimeout(wait + WAIT_MARGIN)
  return waitForPage(incoming, wait * SECOND, { ...options, authorize: options.authorizeWait })
}

/** A page of history, of the channels that may be read. */
async function historyPage(
  request: Request,
  query: URLSearchParams,
  { authorizeHistory, log, search }: EventRoutesOptions,
): Promise<Response> {
  const actor = await authorizeHistory(request)
  const readable = readablePatterns(query, actor)
  return query.has('before')
    ? lookBack(request, readable, search)
    : history(request, readable, log, clientIdOf(actor, query.get('clientId')))
}

const notAcceptable = () =>
  new AppError(
    'accept.unsupported',
    'This resource is a live stream (Accept: text/event-stream) or pages of history (Accept: application/json).',
    { status: 406 },
  )
