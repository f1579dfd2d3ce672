import { join } from 'node:path'
import { staticPlugin } from '@elysiajs/static'
import { Elysia } from 'elysia'
import { HIDDEN, otherMethods } from '../http/problem.ts'

/** Paths of its pages. Each is the same document, whose script shows the page of the address. */
const PAGES = ['/', '/tasks', '/orders', '/notifications', '/lab', '/compare', '/log', '/cluster']

/**
 * The document of every page.
 *
 * @param isLab whether the document may connect to other names of this machine
 * @param status HTTP status; 404 for an address without a page, for which the script shows an error
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
        // A browser opens six HTTP/1.1 connections for each host name: the lab opens its streams under many names.
        ...(isLab ? ["connect-src 'self' http://localhost:* http://*.localhost:*"] : []),
      ].join('; '),
    },
  })
}

/**
 * The pages and assets of the built dashboard.
 *
 * @param directory `undefined` when it was not built: the front page then says how to build it
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
      // The names contain a hash of the content.
      directive: 'immutable',
      maxAge: 365 * 24 * 60 * 60,
    }),
  )
}
