/**
 * Headers of requests that a page of another site, of another port or of a sibling domain can make a browser send, and of
 * browsers that send neither `Origin` nor `Sec-Fetch-Site`.
 *
 * @param port of the server, which is at 127.0.0.1
 * @param listed an origin that the server allows; it is among them, and so are its look-alikes
 */
export function foreignHeaders(port: string, listed: string): Record<string, string>[] {
  const own = `http://127.0.0.1:${port}`
  const origins = [
    'null',
    '',
    'http://evil.example',
    'file://',
    'about:blank',
    `chrome-extension://127.0.0.1:${port}`,
    // Another port, scheme or name of this machine.
    `http://127.0.0.1:${Number(port) - 1}`,
    'http://127.0.0.1',
    `https://127.0.0.1:${port}`,
    `ws://127.0.0.1:${port}`,
    `http://localhost:${port}`,
    // Names and texts that contain the own origin.
    `http://127.0.0.1:0${port}`,
    `http://127.0.0.1.:${port}`,
    `http://127.0.0.1.evil.example:${port}`,
    `http://evil-127.0.0.1:${port}`,
    `http://evil@127.0.0.1:${port}`,
    `${own}/`,
    `${own}/x`,
    `${own}.evil.example`,
    `${own}@evil.example`,
    `${own}, http://evil.example`,
    `http://evil.example ${own}`,
    // The listed origin, which has no rights of the cookie, and those that contain it.
    listed,
    listed.toUpperCase(),
    listed.replace('https', 'http'),
    listed.replace('://', '://evil'),
    listed.replace('://', '://x.'),
    `${listed}.`,
    `${listed}:444`,
    `${listed}.evil.example`,
    `${listed}, ${own}`,
  ]
  return [
    ...origins.map((origin) => ({ origin })),
    ...['null', 'http://evil.example'].map((origin) => ({ origin, 'sec-fetch-site': 'same-origin', referer: own })),
    ...['same-site', 'cross-site', 'none', 'bogus', ''].map((site) => ({ 'sec-fetch-site': site, referer: own })),
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { origin: own, 'sec-fetch-site': 'same-site' },
    { origin: 'http://evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
    { origin: 'http://evil.example', forwarded: 'host=evil.example;proto=http' },
    {},
    { 'x-requested-with': 'XMLHttpRequest', referer: `${own}/` },
  ]
}
