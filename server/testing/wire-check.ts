// Preloaded into every test run: a test fails when a problem document that it receives by `fetch`, or a control event that
// `openStream` reads, does not fit the contract and the documents.
import { afterAll, afterEach } from 'bun:test'
import { type OpenApi, type ProblemResponse, problemViolations } from './problem-check.ts'

const violations: string[] = []
const pending = new Set<Promise<void>>()
/** The same for all servers of a run: their settings do not change it. */
let openApi: OpenApi | undefined

/** Makes the test that is running fail, once it has ended. */
export function reportViolations(found: readonly string[]): void {
  violations.push(...found)
}

/**
 * Waits until all responses so far have been checked.
 *
 * @throws {Error} with the violations since the last call, if there were any
 */
export async function failOnViolations(): Promise<void> {
  await Promise.all(pending)
  if (violations.length === 0) return
  const text = violations.splice(0).join('\n')
  throw new Error(`the wire does not fit the contract:\n${text}`)
}

/** Checks a response in the background if it is a problem document; `failOnViolations` waits for it. */
export function watchResponse(method: string, url: string, response: Response): void {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return
  const copy = response.clone()
  const check = (async () => {
    // Of a connection that was cut, and of HEAD, there is no document.
    const text = await copy.text().catch(() => '')
    const exchange: ProblemResponse = { method, path: new URL(url).pathname, status: response.status, text }
    openApi ??= await fetchDocument(new URL('/openapi.json', url))
    reportViolations(problemViolations(exchange, openApi))
  })()
  pending.add(check)
  void check.finally(() => pending.delete(check))
}

const originalFetch = globalThis.fetch

/** `undefined` when the server does not send it, because it stops or is none of ours. */
async function fetchDocument(url: URL): Promise<OpenApi | undefined> {
  const response = await originalFetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
  const document = response?.ok
    ? ((await response.json().catch(() => undefined)) as Partial<OpenApi> | undefined)
    : undefined
  // Servers of tests may return anything, and must not become the contract of those that follow.
  return document?.paths ? (document as OpenApi) : undefined
}

const watchedFetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
  const response = await originalFetch(input, init)
  const request = input instanceof Request ? input : undefined
  watchResponse(init?.method ?? request?.method ?? 'GET', request?.url ?? String(input), response)
  return response
}
globalThis.fetch = Object.assign(watchedFetch, { preconnect: originalFetch.preconnect })

afterEach(failOnViolations)
afterAll(failOnViolations)
