import type { ResponseSettings } from './response-headers.ts'

/**
 * For Elysia's hook `mapResponse`: an object becomes JSON with a line feed at its end, as problem documents and pages of
 * history have it, so that responses follow each other in a terminal line by line. Other values are left to Elysia.
 */
export function toJsonResponse({
  responseValue,
  set,
}: {
  responseValue: unknown
  set: ResponseSettings
}): Response | undefined {
  if (typeof responseValue !== 'object' || responseValue === null || responseValue instanceof Response) return undefined
  const headers = new Headers({ 'content-type': 'application/json; charset=utf-8' })
  for (const [name, value] of Object.entries(set.headers)) headers.set(name, String(value))
  return new Response(`${JSON.stringify(responseValue)}\n`, { status: Number(set.status ?? 200), headers })
}
