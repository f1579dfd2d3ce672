/**
 * The `Content-Security-Policy` of responses that are no page: data, streams, files and errors. Opened in a browser, they load
 * and run nothing, and no page can frame them. Pages have policies of their own.
 */
const DATA_POLICY = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"].join('; ')

/** What no page of this server uses, so that no injected script or frame can. */
const PERMISSIONS = [
  'camera',
  'display-capture',
  'geolocation',
  'microphone',
  'payment',
  'publickey-credentials-get',
  'usb',
]
  .map((feature) => `${feature}=()`)
  .join(', ')

/** Seconds for which browsers use TLS only: a year (RFC 6797). Subdomains are not this server's to decide. */
const TRANSPORT_SECURITY = `max-age=${365 * 24 * 60 * 60}`

/**
 * Adds the headers by which browsers protect the users of a page, and by which no cache between shows one user what another one
 * has read: a cookie, unlike `Authorization`, keeps no cache from storing (RFC 9111, section 3.5). What the route has set of
 * `Content-Security-Policy` and `Cache-Control` stays.
 *
 * @param isSecure whether the request came over TLS
 */
export function addSecurityHeaders(headers: Headers, isSecure: boolean): void {
  headers.set('x-content-type-options', 'nosniff')
  headers.set('referrer-policy', 'same-origin')
  headers.set('permissions-policy', PERMISSIONS)
  if (!headers.has('content-security-policy')) headers.set('content-security-policy', DATA_POLICY)
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  if (isSecure) headers.set('strict-transport-security', TRANSPORT_SECURITY)
}
