import { EventSourceParserStream } from 'eventsource-parser/stream'
import { messageOf } from '../platform/errors.ts'
import { sleep } from '../platform/time.ts'
import type { Closing, Ready } from '../protocol/control-events.ts'
import {
  createReconnectPolicy,
  parseRetryAfter,
  type ReconnectPolicy,
  verdictOf,
} from '../protocol/reconnect-policy.ts'
import { CommandError } from './output.ts'
import { problemOf } from './server-url.ts'

/** What to read, and from where. */
export interface ReaderOptions {
  /** The server, without a path. */
  url: string
  /** Names or patterns of channels. */
  channels: readonly string[]
  /** Cursor to begin after; `earliest` for the oldest event kept. Defaults to the head. */
  from?: string | undefined
  /** Further headers of each request, such as `authorization`. Defaults to none. */
  headers?: Record<string, string>
  /** Aborts when the caller wants no more; the reader then ends without an error. */
  signal?: AbortSignal
  /** Called when the connection is lost, with the reason and the milliseconds until the next attempt. */
  onLost?: (problem: string, wait: number) => void
}

/** One event as it came over the wire. */
export interface ReceivedEvent {
  /** The `id` field, a cursor; empty when the event has none. */
  id: string
  /** The `event` field; `message` when the event has none. */
  event: string
  /** The `data` field. */
  data: string
}

/**
 * Reads an event stream for as long as the caller wants more. It reconnects by the policy of all clients
 * (`protocol/reconnect-policy.ts`), and resumes after the last event ID.
 *
 * @throws {CommandError} when the server refuses the request for good (`verdictOf`)
 */
export async function* readEvents(options: ReaderOptions): AsyncGenerator<ReceivedEvent> {
  const policy = createReconnectPolicy()
  let lastEventId = options.from
  while (!options.signal?.aborted) {
    let problem = 'the server closed the stream'
    policy.connecting()
    const watchdog = createWatchdog(policy)
    try {
      const signals = [watchdog.signal, ...(options.signal ? [options.signal] : [])]
      const response = await open(options, lastEventId, AbortSignal.any(signals), policy)
      if (response === 'over') return
      for await (const { id, event, data } of parse(response, policy)) {
        // An id that is absent leaves the cursor as it is; one that is empty takes it away (SSE, section 9.2.6).
        if (id !== undefined) lastEventId = id === '' ? undefined : id
        if (event === 'ready') policy.ready((JSON.parse(data) as Ready).heartbeat, performance.now())
        else if (event === 'closing') {
          const closing = JSON.parse(data) as Closing
          policy.closing(closing, performance.now())
          problem = `the server closed the stream (${closing.reason})`
        }
        watchdog.reset()
        yield { id: id ?? '', event: event ?? 'message', data }
      }
    } catch (error) {
      if (error instanceof CommandError) throw error
      problem = watchdog.signal.aborted ? 'no data arrived for too long' : messageOf(error)
    } finally {
      watchdog.stop()
    }
    if (options.signal?.aborted) return
    const wait = Math.round(policy.nextWait(performance.now()))
    options.onLost?.(problem, wait)
    await sleep(wait, options.signal)
  }
}

function parse(body: ReadableStream<Uint8Array<ArrayBuffer>>, policy: ReconnectPolicy) {
  const parser = new EventSourceParserStream({ onRetry: (ms) => policy.setReconnectionTime(ms) })
  return body.pipeThrough(new TextDecoderStream()).pipeThrough(parser)
}

/** Opens the stream once. Returns its body, or `over` when the server says that nothing more will come. */
async function open(
  { url, channels, headers }: ReaderOptions,
  lastEventId: string | undefined,
  signal: AbortSignal,
  policy: ReconnectPolicy,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | 'over'> {
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
  const response = await fetch(`${url}/events?${query}`, {
    headers: {
      ...headers,
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    signal,
  })
  const verdict = verdictOf(response.status)
  if (verdict === 'over') return 'over'
  if (verdict === 'stream') {
    if (response.body && isEventStream(response)) return response.body
    await response.body?.cancel()
    throw new Error('the response is not an event stream: is there a proxy in between?')
  }
  const retryAfter = parseRetryAfter(response.headers.get('retry-after'), Date.now())
  if (retryAfter !== undefined) policy.setLeastWait(retryAfter)
  const problem = await problemOf(response)
  throw verdict === 'refused' ? new CommandError(problem) : new Error(problem)
}

const isEventStream = ({ headers }: Response) => /^text\/event-stream\s*(;|$)/i.test(headers.get('content-type') ?? '')

/** Aborts its signal when nothing arrived for the silence limit of the policy. */
function createWatchdog(policy: ReconnectPolicy) {
  const controller = new AbortController()
  let timer: Timer | undefined
  const reset = () => {
    clearTimeout(timer)
    timer = setTimeout(() => controller.abort(), policy.silenceLimit)
  }
  reset()
  return { signal: controller.signal, reset, stop: () => clearTimeout(timer) }
}
