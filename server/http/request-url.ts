/** The address of a request; HTTP/1.0 needs no Host header, so the base is made up where there is none that can be read. */
export const urlOf = (request: Request): URL =>
  URL.parse(request.url) ?? URL.parse(request.url, 'http://localhost') ?? new URL('http://localhost')
