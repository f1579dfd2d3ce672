import { jittered, SECOND } from '../platform/time.ts'
import type { HistoryPage } from '../protocol/history.ts'
import type { Runtime } from '../runtime.ts'
import { closingFrame } from '../transports/sse/frame.ts'
import { STREAM_HEADERS } from '../transports/sse/open-stream.ts'
import { startInstance } from './instance.ts'
import { openStream } from './stream-reader.ts'
import { bearer, TOKEN_SECRET } from './tokens.ts'
import { until } from './until.ts'

/** Responses that are not a stream to read, by the name of the situation. */
export const REFUSALS = [
  'no token',
  'expired token',
  'foreign channel',
  'bad request',
  'limit',
  'full',
  'drain',
  'over',
] as const
export type Refusal = (typeof REFUSALS)[number]

/** One request for a stream. */
export interface Attempt {
  /** On the clock of `performance.now()`. */
  at: number
  /** Status of the response; `0` until there is one. */
  status: number
}

/** A stream that is always refused in the same way, for one client. */
export interface RefusedStream extends AsyncDisposable {
  url: string
  /** Requests so far. */
  readonly attempts: readonly Attempt[]
}

/** Servers that refuse streams. */
export interface Refusals extends AsyncDisposable {
  /** A stream with an address of its own, so that no refusals of others count for its client. */
  refuse(refusal: Refusal): Promise<RefusedStream>
}

/** `RETRY_MS`, in milliseconds: `closing` has this as its least time during a drain, and three times this when it refuses a stream. */
export const RETRY = SECOND / 5

/** What a request of a situation is sent on with, and to where. */
interface Route {
  target: string
  search: string
  headers: Record<string, string>
}

/** Starts two servers that refuse streams, and a proxy before them that counts the requests and adds credentials. */
export async function startRefusals(databaseUrl: string): Promise<Refusals> {
  const settings = { JWT_SECRET: TOKEN_SECRET, TRUSTED_PROXIES: '127.0.0.1', RETRY_MS: String(RETRY) }
  const limited = await startInstance(databaseUrl, { ...settings, MAX_STREAMS_PER_SUBJECT: '1' })
  const full = await startInstance(databaseUrl, { ...settings, MAX_CONNECTIONS: '1' })
  const held = [await openStream(full.url, ['broadcast'], await bearer({ sub: 'first' }))]
  const streams = new Map<number, Route & { attempts: Attempt[]; refusal: Refusal }>()
  let count = 0
  const proxy = Bun.serve({
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      // Read by the check of the wire.
      if (pathname !== '/events') return fetch(`${limited.url}${pathname}`)
      const stream = streams.get(Number(searchParams.get('client')))
      if (!stream) return new Response(null, { status: 404 })
      const attempt: Attempt = { at: performance.now(), status: 0 }
      stream.attempts.push(attempt)
      const response = stream.refusal === 'drain' ? drained() : await forward(request, stream)
      attempt.status = response.status
      return response
    },
  })
  return {
    async refuse(refusal) {
      const index = count++
      const attempts: Attempt[] = []
      const subject = `reader-${index}`
      if (refusal === 'limit') held.push(await openStream(limited.url, ['broadcast'], await bearer({ sub: subject })))
      const route = await routeOf(refusal, subject, { limited, full })
      route.headers['x-forwarded-for'] = `10.0.${index >> 8}.${index & 255}`
      streams.set(index, { ...route, attempts, refusal })
      const url = `http://127.0.0.1:${proxy.port}/events?client=${index}`
      return { url, attempts, [Symbol.asyncDispose]: async () => void streams.delete(index) }
    },
    async [Symbol.asyncDispose]() {
      await proxy.stop(true)
      await Promise.all(held.map((reader) => reader.close()))
      await Promise.all([limited, full].map((instance) => instance[Symbol.asyncDispose]()))
    },
  }
}

async function routeOf(
  refusal: Refusal,
  sub: string,
  { limited, full }: Record<'limited' | 'full', Runtime>,
): Promise<Route> {
  const target = refusal === 'full' ? full.url : limited.url
  const ttl = refusal === 'expired token' ? -60 : 600
  const headers: Record<string, string> = refusal === 'no token' ? {} : await bearer({ sub }, { ttl })
  switch (refusal) {
    case 'foreign channel':
      return { target, headers, search: '?channel=orders.another.1' }
    case 'bad request':
      return { target, headers, search: '?channels=broadcast' }
    case 'over':
      return { target, headers, search: await searchOfEndedTask(target, headers) }
    default:
      return { target, headers, search: '?channel=broadcast' }
  }
}

/** The query of a stream of one task, after its last event. */
async function searchOfEndedTask(url: string, headers: Record<string, string>): Promise<string> {
  const body = JSON.stringify({ kind: 'demo', input: { seconds: 0 } })
  const init = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body }
  const { id, owner } = (await (await fetch(`${url}/api/tasks`, init)).json()) as { id: number; owner: string }
  const channel = `tasks.${owner}.${id}`
  const page = async () =>
    (await (
      await fetch(`${url}/events?channel=${channel}&after=earliest`, {
        headers: { ...headers, accept: 'application/json' },
      })
    ).json()) as HistoryPage
  const { events } = await until(
    'the task has ended',
    page,
    (history) => history.events?.at(-1)?.type === 'task.succeeded',
  )
  return `?channel=${channel}&lastEventId=${events.at(-1)?.position}`
}

/** What an instance responds while it drains, which takes an instance with a few streams no time. */
const drained = () =>
  new Response(closingFrame({ reason: 'drain', retry: jittered(RETRY) }, undefined), { headers: STREAM_HEADERS })

async function forward({ headers, signal }: Request, route: Route): Promise<Response> {
  const accept = headers.get('accept') ?? '*/*'
  const own = { accept, ...(headers.has('last-event-id') && { 'last-event-id': String(headers.get('last-event-id')) }) }
  const response = await fetch(`${route.target}/events${route.search}`, {
    headers: { ...own, ...route.headers },
    signal,
  })
  return new Response(response.body, response)
}
