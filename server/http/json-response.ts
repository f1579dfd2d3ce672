/**
 * For Elysia's hook `mapResponse`: an object becomes JSON with a line feed at its end, as problem documents and pages of
 * history have it, so that responses follow each other in a terminal line by line. Other values are left to Elysia, which
 * also adds the status and the headers that the handler has set.
 */
export function toJsonResponse({ responseValue }: { responseValue: unknown }): Response | undefined {
  if (typeof responseValue !== 'object' || responseValue === null || responseValue instanceof Response) return undefined
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  return new Response(`${JSON.stringify(responseValue)}\n`, { headers })
}
