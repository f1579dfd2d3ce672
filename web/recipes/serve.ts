// Serves the pages of this folder as your application would: with its state and the cursor of that state, and with /events of an
// sse-update server under the same origin. `bun web/recipes/serve.ts`, with SSE_UPDATE_URL (http://localhost:8080) and PORT (3000).

/** The only files of node_modules that are served, under /npm/. */
const LIBRARIES = [
  'htmx.org/dist/htmx.min.js',
  'htmx-ext-sse/dist/sse.min.js',
  'htmx4/dist/htmx.min.js',
  'htmx4/dist/ext/hx-sse.min.js',
  '@hotwired/turbo/dist/turbo.es2017-esm.js',
  '@starfederation/datastar/dist/datastar.js',
]

/** The channel of each page that is rendered with its items. */
const CHANNELS: Readonly<Record<string, string>> = {
  '/htmx.html': 'recipes.html',
  '/htmx-4.html': 'recipes.html',
  '/turbo.html': 'recipes.turbo',
  '/datastar.html': 'recipes.datastar',
}

const file = (path: string) => Bun.file(new URL(path, import.meta.url))

/** @param events address of the sse-update server @param port `0` takes a free one */
export const serveRecipes = (events: string, port: number) =>
  Bun.serve({
    hostname: '127.0.0.1',
    port,
    // Streams are quiet for longer.
    idleTimeout: 60,
    async fetch(request) {
      const { pathname, search } = new URL(request.url)
      const library = LIBRARIES.find((path) => pathname === `/npm/${path}`)
      if (library) return new Response(file(`../../node_modules/${library}`))
      if (pathname === '/event-source.html') return new Response(file(`.${pathname}`))
      if (pathname === '/events' && request.method === 'GET') return forward(request, `${events}/events${search}`)
      const channel = CHANNELS[pathname]
      return channel ? render(pathname, events, channel) : new Response('Not found', { status: 404 })
    },
  })

/** What a proxy does; yours must not buffer event streams. */
function forward(request: Request, address: string): Promise<Response> {
  const headers = new Headers({ 'x-forwarded-for': '127.0.0.1' })
  for (const name of ['accept', 'last-event-id']) {
    const value = request.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return fetch(address, { headers, signal: request.signal }).catch(() => new Response('Bad Gateway', { status: 502 }))
}

/**
 * Your application reads its own tables here, and in the same transaction `select sse.cursor()`: of a page of a list, its header
 * X-Cursor. These pages have no tables: their state is what the channel has brought so far.
 */
async function render(path: string, events: string, channel: string): Promise<Response> {
  const { items, cursor } = await readState(events, channel)
  const template = await file(`.${path}`).text()
  const html = template.replace('{{items}}', () => items.join('\n    ')).replace('{{cursor}}', cursor)
  return new Response(html, { headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' } })
}

async function readState(events: string, channel: string): Promise<{ items: string[]; cursor: string }> {
  const items: string[] = []
  let [cursor, more] = ['earliest', true]
  while (more) {
    const query = new URLSearchParams({ channel, after: cursor, limit: '1000' })
    const response = await fetch(`${events}/events?${query}`, { headers: { accept: 'application/json' } })
    const page = (await response.json()) as { events: { data: string }[]; cursor: string; more: boolean }
    for (const { data } of page.events) items.push(/<li[\s\S]*<\/li>/.exec(data)?.[0] ?? '')
    cursor = page.cursor
    more = page.more
  }
  return { items, cursor }
}

if (import.meta.main) {
  const server = serveRecipes(process.env.SSE_UPDATE_URL ?? 'http://localhost:8080', Number(process.env.PORT ?? 3000))
  console.log(`the recipes are served at ${server.url}htmx.html`)
}
