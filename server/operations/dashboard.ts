import { join } from 'node:path'
import { staticPlugin } from '@elysiajs/static'
import { Elysia } from 'elysia'
import { HIDDEN, otherMethods } from './problem.ts'

/** The built dashboard. @param directory without it, the front page says how to build it */
export function dashboardRoutes(directory: string | undefined) {
  const routes = new Elysia({ name: 'dashboard' })
  if (directory === undefined) {
    return routes.get(
      '/',
      () => new Response('The dashboard is not built. Build it with "bun run build:web" and start again.\n'),
      HIDDEN,
    )
  }
  const page = Bun.file(join(directory, 'index.html'))
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy':
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
  }
  return routes
    .get('/', async () => new Response(await page.bytes(), { headers }), HIDDEN)
    .use(otherMethods({ '/': 'GET' }))
    .use(
      staticPlugin({
        assets: join(directory, 'assets'),
        prefix: '/assets',
        alwaysStatic: true,
        indexHTML: false,
        // The names hold a hash of the content.
        directive: 'immutable',
        maxAge: 365 * 24 * 60 * 60,
        headers: { 'x-content-type-options': 'nosniff' },
      }),
    )
}
