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
 *
 * @param isSecure whether the request came over TLS
 */
export function senderOf(request: Request, isSecure: boolean): Sender {
  const { headers } = request
  const site = headers.get('sec-fetch-site')?.toLowerCase()
  if (site === 'cross-site' || site === 'same-site') return isNavigation(request) ? 'none' : 'foreign'
  const origin = headers.get('origin')
  if (origin !== null) return origin === ownOrigin(request, isSecure) ? 'own' : 'foreign'
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
const ownOrigin = ({ headers }: Request, isSecure: boolean): string | undefined =>
  URL.parse(`${isSecure ? 'https' : 'http'}://${headers.get('host') ?? ''}`)?.origin
