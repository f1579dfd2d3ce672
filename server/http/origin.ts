/**
 * Who sends a request, as far as a browser says it:
 *
 * - `none`: no page at all (curl, servers), or a person who opens an address
 * - `own`: a page of this server
 * - `foreign`: a page of another origin
 */
export type Sender = 'none' | 'own' | 'foreign'

/**
 * Reads `Origin` and `Sec-Fetch-Site`, which no page can set itself (Fetch, sections 3.2 and 4.6). Browsers leave out `Origin`
 * on most GETs, and `Sec-Fetch-Site` on plain-http names other than localhost: each counts when it is there.
 */
export function senderOf(request: Request): Sender {
  const { headers } = request
  const site = headers.get('sec-fetch-site')?.toLowerCase()
  if (site === 'cross-site' || site === 'same-site') return isNavigation(request) ? 'none' : 'foreign'
  const origin = headers.get('origin')
  if (origin !== null) return origin === ownOrigin(request) ? 'own' : 'foreign'
  return site === 'same-origin' ? 'own' : 'none'
}

/** A link that a person follows to a page here; a frame within a foreign page is none, and a stream is no page. */
const isNavigation = ({ method, headers, url }: Request) =>
  method === 'GET' &&
  headers.get('sec-fetch-mode') === 'navigate' &&
  headers.get('sec-fetch-dest') === 'document' &&
  URL.parse(url)?.pathname !== '/events'

/** The origin of pages that this server serves under the name that the request has. */
function ownOrigin({ url, headers }: Request): string | undefined {
  // Of a proxy that ends TLS. A foreign page that sends it has to ask first (a preflight), and is refused.
  const forwarded = headers.get('x-forwarded-proto')?.split(',')[0]?.trim()
  const isSecure = forwarded === undefined ? url.startsWith('https:') : forwarded === 'https'
  return URL.parse(`${isSecure ? 'https' : 'http'}://${headers.get('host') ?? ''}`)?.origin
}
