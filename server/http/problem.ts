import { Elysia } from 'elysia'
import { AppError } from '../platform/errors.ts'
import { sleep } from '../platform/time.ts'
import { type Problem, titleOf } from '../protocol/problem.ts'

/**
 * The response to a request that failed: a problem document (RFC 9457).
 *
 * @param error an error that is no `AppError` is a bug: the client receives `internal` (500), without details
 * @param headers further ones of the response
 */
export function problemResponse(error: unknown, headers: Record<string, string> = {}): Response {
  const known = error instanceof AppError ? error : BUG
  const { code, status, retryAfter, closesConnection, headers: own } = known
  const text = `${JSON.stringify(problemOf(known))}\n`
  return new Response(closesConnection ? lingering(text) : text, {
    status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      ...(closesConnection && { connection: 'close' }),
      ...(status === 401 && { 'www-authenticate': challengeOf(code) }),
      ...own,
      ...headers,
    },
  })
}

/** The problem document of an error. */
export const problemOf = ({ code, status, message, extensions }: AppError): Problem => ({
  type: 'about:blank',
  title: titleOf(status),
  status,
  detail: message,
  code,
  ...extensions,
})

/** The challenge of a 401 (RFC 6750, section 3): without an error code where the request had no credential. */
const challengeOf = (code: string) =>
  `Bearer realm="sse-update"${code === 'auth.required' ? '' : ', error="invalid_token"'}`

/** Milliseconds between a response and the end of its connection. */
const LINGER = 500

/**
 * A body that ends a while after its last byte. A connection that is closed while the client still sends is reset, and the
 * reset may overtake the response (RFC 9112, section 9.6).
 */
const lingering = (text: string) =>
  new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(text))
      await sleep(LINGER)
      controller.close()
    },
  })

const BUG = new AppError('internal', 'The server failed. Its log has the details.', { status: 500 })

/** Options of a route that the OpenAPI document leaves out. */
export const HIDDEN = { detail: { hide: true } }

/** The response to a method that a resource does not have; to OPTIONS, the methods it has. Bun serves HEAD by GET. */
function methodNotAllowed(request: Request, allow: string): Response {
  const allowed = `${allow.includes('HEAD') ? allow : allow.replace('GET', 'GET, HEAD')}, OPTIONS`
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow: allowed } })
  const error = new AppError('method.not_allowed', `${request.method} is not possible here; ${allowed} are.`, {
    status: 405,
  })
  return problemResponse(error, { allow: allowed })
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const UNREAD = { ...HIDDEN, parse: 'none' } as const

/**
 * Routes for all other methods of some paths: `method.not_allowed` (405) with the header `Allow`, and 204 for OPTIONS.
 *
 * Their type has no routes: clients that are typed by the server would offer them as routes to call.
 *
 * @param allowed methods by path, such as `GET, POST`
 */
export function otherMethods(allowed: Readonly<Record<string, string>>): Elysia {
  const routes = new Elysia()
  for (const [path, allow] of Object.entries(allowed)) {
    const refuse = ({ request }: { request: Request }) => methodNotAllowed(request, allow)
    // By name: a route of the method whose path has a parameter would come before `all`.
    for (const method of METHODS) if (!allow.includes(method)) routes.route(method, path, refuse, UNREAD)
    routes.all(path, refuse, UNREAD)
  }
  return routes as unknown as Elysia
}
