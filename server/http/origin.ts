/**
 * Who sends a request, as far as the browser reports it:
 *
 * - `none`: no page (curl, servers), or a user who opens an address
 * - `own`: a page of this server
 * - `foreign`: a page of another origin
 */
export type Sender = 'none' | 'own' | 'foreign'

/**
 * Reads `Origin` and `Sec-Fetch-Site`, which no page can set itself (Fetch, sections 3.2 and 4.6). Browsers leave out `Origin`
 * on most GETs, and `Sec-Fetch-Site` on plain-http names other than localhost: each counts where it is present.
 */
export function senderOf(request: Request): Sender {
  const { headers } = request
  const site = headers.get('sec-fetch-site')?.toLowerCase()
  if (site === 'cross-site' || site === 'same-site') return isNavigation(request) ? 'none' : 'foreign'
  const origin = headers.get('origin')
  if (origin !== null) return origin === ownOrigin(request) ? 'own' : 'foreign'
  return site === 'same-origin' ? 'own' : 'none'
}

/** The path of the stream, as the router takes it: with or without a last slash. */
const STREAM_PATH = /^\/events\/?$/

/** A link that a user follows to a page of this server. A frame in a foreign page is not one, and a stream is not a page. */
const isNavigation = ({ method, headers, url }: Request) =>
  method === 'GET' &&
  headers.get('sec-fetch-mode') === 'navigate' &&
  headers.get('sec-fetch-dest') === 'document' &&
  !STREAM_PATH.test(URL.parse(url)?.pathname ?? '')

/** The origin of pages that this server serves under the name that the request has. */
const ownOrigin = (request: Request): string | undefined =>
  URL.parse(`${isSecure(request) ? 'https' : 'http'}://${request.headers.get('host') ?? ''}`)?.origin

/** Whether a request came over TLS, to this server or to a proxy that says so. */
export function isSecure({ url, headers }: Request): boolean {
  // Set by a proxy that terminates TLS. From a foreign page it requires a preflight, which is refused.
  const forwarded = headers.get('x-forwarded-proto')?.split(',')[0]?.trim()
  return forwarded === undefined ? url.startsWith('https:') : forwarded === 'https'
}
