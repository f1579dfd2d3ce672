import { join } from 'node:path'
import { staticPlugin } from '@elysiajs/static'
import { Elysia } from 'elysia'
import { HIDDEN, otherMethods } from '../http/problem.ts'

/** Its pages: each is the same document, and the script in it shows what the address says. */
const PAGES = ['/', '/tasks', '/orders', '/notifications', '/lab', '/log', '/cluster']

/**
 * The document of every page.
 *
 * @param status 404 for an address that no page has: the script says so
 */
export async function dashboardPage(directory: string, isLab: boolean, status = 200): Promise<Response> {
  return new Response(await Bun.file(join(directory, 'index.html')).bytes(), {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'content-security-policy': [
        "default-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        // A browser has six HTTP/1.1 connections for each name: the lab opens its streams under many.
        ...(isLab ? ["connect-src 'self' http://localhost:* http://*.localhost:*"] : []),
      ].join('; '),
    },
  })
}

/**
 * The built dashboard.
 *
 * @param directory without it, the front page says how to build it
 * @param isLab whether its lab may open streams under other names of this machine
 */
export function dashboardRoutes(directory: string | undefined, isLab: boolean) {
  const routes = new Elysia({ name: 'dashboard' })
  if (directory === undefined) {
    return routes.get(
      '/',
      () => new Response('The dashboard is not built. Build it with "bun run build:web" and start again.\n'),
      HIDDEN,
    )
  }
  for (const path of PAGES) routes.get(path, () => dashboardPage(directory, isLab), HIDDEN)
  return routes.use(otherMethods(Object.fromEntries(PAGES.map((path) => [path, 'GET'])))).use(
    staticPlugin({
      assets: join(directory, 'assets'),
      prefix: '/assets',
      alwaysStatic: true,
      indexHTML: false,
      // The names hold a hash of the content.
      directive: 'immutable',
      maxAge: 365 * 24 * 60 * 60,
    }),
  )
}
