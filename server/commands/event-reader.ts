import { EventSourceParserStream } from 'eventsource-parser/stream'
import { messageOf } from '../platform/errors.ts'
import { SECOND, sleep } from '../platform/time.ts'
import { CommandError } from './output.ts'
import { problemOf } from './server-url.ts'

export interface ReaderOptions {
  url: string
  channels: readonly string[]
  /** Cursor to begin after; `earliest` for the oldest event kept. Defaults to the head. */
  from?: string | undefined
  signal?: AbortSignal
  /** Told when the connection is lost, and how many milliseconds pass until the next try. */
  onLost?: (problem: string, wait: number) => void
}

/** One event as it came over the wire. */
export interface ReceivedEvent {
  id: string
  event: string
  data: string
}

/** Longest wait between two tries. */
const MAX_WAIT = 15 * SECOND
const CONNECT_PATIENCE = 10 * SECOND

/**
 * Reads an event stream for as long as the caller wants more, and resumes by itself: after a loss it waits (with full
 * jitter, twice as long each time; after `closing` as long as the server says) and goes on after the last event ID. A
 * connection that is silent for more than two heartbeats counts as lost.
 *
 * @throws {CommandError} when the server refuses the request for good (4xx)
 */
export async function* readEvents(options: ReaderOptions): AsyncGenerator<ReceivedEvent> {
  let lastEventId = options.from
  let retry = 2 * SECOND
  let failures = 0
  while (!options.signal?.aborted) {
    let problem = 'the server closed the stream'
    let closing: { reason: string; retry: number } | undefined
    const watchdog = createWatchdog()
    try {
      const signals = [watchdog.signal, ...(options.signal ? [options.signal] : [])]
      const response = await open(options, lastEventId, AbortSignal.any(signals))
      if (response.status === 204 || !response.body) return
      const parser = new EventSourceParserStream({
        onRetry: (ms) => {
          retry = ms
        },
      })
      for await (const { id, event, data } of response.body.pipeThrough(new TextDecoderStream()).pipeThrough(parser)) {
        if (event !== 'closing') failures = 0
        if (id !== undefined) lastEventId = id
        if (event === 'ready') watchdog.expectEvery((JSON.parse(data) as { heartbeat: number }).heartbeat)
        else if (event === 'closing') {
          closing = JSON.parse(data) as { reason: string; retry: number }
          problem = `the server closed the stream (${closing.reason})`
        }
        watchdog.reset()
        yield { id: id ?? '', event: event ?? 'message', data }
      }
    } catch (error) {
      if (error instanceof CommandError) throw error
      problem = watchdog.signal.aborted ? 'the connection went silent' : messageOf(error)
    } finally {
      watchdog.stop()
    }
    if (options.signal?.aborted) return
    const wait = closing?.retry ?? Math.round(Math.random() * Math.min(MAX_WAIT, retry * 2 ** failures++))
    options.onLost?.(problem, wait)
    await sleep(wait, options.signal)
  }
}

async function open(
  { url, channels }: ReaderOptions,
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
  const response = await fetch(`${url}/events?${query}`, {
    headers: { accept: 'text/event-stream', ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
    signal,
  })
  if (response.ok) return response
  const problem = await problemOf(response)
  if (response.status >= 400 && response.status < 500) throw new CommandError(problem)
  throw new Error(problem)
}

/** Aborts its signal when nothing came for two and a half heartbeats, or no stream began. */
function createWatchdog() {
  const controller = new AbortController()
  let patience = CONNECT_PATIENCE
  let timer: Timer | undefined
  const reset = () => {
    clearTimeout(timer)
    timer = setTimeout(() => controller.abort(), patience)
  }
  reset()
  return {
    signal: controller.signal,
    reset,
    expectEvery(heartbeat: number) {
      patience = 2.5 * heartbeat
    },
    stop: () => clearTimeout(timer),
  }
}
