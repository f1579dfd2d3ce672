/** The URL of a request. HTTP/1.0 requires no Host header: without a usable one the base is `http://localhost`. */
export const urlOf = (request: Request): URL =>
  URL.parse(request.url) ?? URL.parse(request.url, 'http://localhost') ?? new URL('http://localhost')
