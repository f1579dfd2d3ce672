/** What a page of another origin may do. */
export interface Grant {
  /** Value of `Access-Control-Allow-Origin`. */
  origin: string
  /** Whether it may only read. */
  isReadOnly: boolean
  /** Whether the browser may send cookies and show the response: only to origins that the operator has listed. */
  hasCredentials: boolean
}

/** Which origins are granted access. */
export interface CorsOptions {
  /** Exact origins that may use everything (`ALLOWED_ORIGINS`), such as `https://app.example.com`. */
  origins: readonly string[]
  /** Paths that pages of every origin may read: documents without data. */
  publicPaths: readonly string[]
  /** Exact origins that may read the streams at this `Host`, besides. */
  streamOrigins: (host: string) => readonly string[]
}

const STREAMS = '/events'
const READ_METHODS = ['GET', 'HEAD', 'OPTIONS']

/** Seconds for which a browser may cache the response to a preflight; Chromium's maximum is 2 hours. */
const MAX_AGE = 600

/** Request headers that a page may send besides those that need no permission. */
const ALLOW_HEADERS = [
  'Authorization',
  'Cache-Control',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'Last-Event-ID',
  'X-Client-Id',
  'X-User',
].join(', ')

/** Response headers that a page may read besides those that need no permission. */
const EXPOSE_HEADERS = [
  'Allow',
  'Content-Disposition',
  'ETag',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Cursor',
].join(', ')

/** What a request's origin is granted at a path; `undefined` for nothing. */
export function grantOf(request: Request, path: string, options: CorsOptions): Grant | undefined {
  const origin = request.headers.get('origin')
  if (origin !== null && options.origins.includes(origin)) return { origin, isReadOnly: false, hasCredentials: true }
  if (options.publicPaths.includes(path)) return { origin: '*', isReadOnly: true, hasCredentials: false }
  if (origin === null || path !== STREAMS) return undefined
  const origins = options.streamOrigins(request.headers.get('host') ?? '')
  return origins.includes(origin) ? { origin, isReadOnly: true, hasCredentials: false } : undefined
}

/** Whether a grant covers what a request does, or what its preflight announces. */
export function covers({ isReadOnly }: Grant, request: Request): boolean {
  const method = request.headers.get('access-control-request-method')
  const wanted = request.method === 'OPTIONS' && method !== null ? method : request.method
  return !isReadOnly || READ_METHODS.includes(wanted)
}

/**
 * Adds the headers of a grant (Fetch, section 3.3). For a preflight, the methods are those in the `Allow` header of the route's
 * own response to OPTIONS.
 */
export function addCorsHeaders(
  { headers }: Response,
  request: Request,
  { origin, isReadOnly, hasCredentials }: Grant,
): void {
  headers.set('access-control-allow-origin', origin)
  if (hasCredentials) headers.set('access-control-allow-credentials', 'true')
  headers.set('access-control-expose-headers', EXPOSE_HEADERS)
  if (request.method !== 'OPTIONS' || !request.headers.has('access-control-request-method')) return
  headers.set('access-control-allow-methods', (!isReadOnly && headers.get('allow')) || READ_METHODS.join(', '))
  headers.set('access-control-allow-headers', ALLOW_HEADERS)
  headers.set('access-control-max-age', String(MAX_AGE))
}
