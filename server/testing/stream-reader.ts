import { type EventSourceMessage, EventSourceParserStream } from 'eventsource-parser/stream'
import { CONTROL_EVENTS } from '../protocol/control-events.ts'
import { parseLogCursor } from '../protocol/cursor.ts'
import type { Envelope } from '../protocol/event.ts'
import { controlViolations } from './control-check.ts'
import { reportViolations } from './wire-check.ts'

/** A stream that is being read, with everything that it has delivered. */
export interface StreamReader extends AsyncDisposable {
  response: Response
  /** All frames so far, including `ready` and heartbeats. */
  readonly frames: readonly EventSourceMessage[]
  /** The frames of the log's events among them: also of a stream with `data=raw`. */
  readonly messages: readonly EventSourceMessage[]
  /** The log's events, from their envelopes. */
  readonly events: readonly (Envelope & { position: number })[]
  /**
   * Resolves when the condition holds; it is checked after each frame.
   *
   * @throws {Error} after 30 s, with the last frames
   */
  until(condition: (reader: StreamReader) => boolean): Promise<void>
  /** Resolves when `count` events of the log have arrived. */
  untilEvents(count: number): Promise<void>
  /** Resolves when the stream has ended. */
  ended: Promise<void>
  close(): Promise<void>
}

/** The position in an event's id, or in another cursor; `NaN` when there is none. */
export const positionOf = (cursor: string | undefined): number => parseLogCursor(cursor ?? '')?.position ?? Number.NaN

const CONTROL = new Set(Object.keys(CONTROL_EVENTS))
/** Milliseconds after which a condition that does not hold fails the test. */
const TIMEOUT = 30_000

/** Opens an event stream and reads it in the background; resolves when the first frame has arrived. */
export async function openStream(
  url: string,
  channels: readonly string[] = [],
  headers: Record<string, string> = {},
): Promise<StreamReader> {
  const query = new URLSearchParams(channels.map((channel) => ['channel', channel]))
  const abort = new AbortController()
  const address = url.includes('?') ? url : `${url}/events?${query}`
  const response = await fetch(address, { headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal })
  if (!response.ok || !response.body) throw new Error(`${response.status} ${await response.text()}`)
  const frames: EventSourceMessage[] = []
  const waiting = new Set<() => void>()
  const ended = (async () => {
    const parser = new EventSourceParserStream()
    const body = response.body as ReadableStream<Uint8Array<ArrayBuffer>>
    for await (const frame of body.pipeThrough(new TextDecoderStream()).pipeThrough(parser)) {
      frames.push(frame)
      reportViolations(controlViolations(frame.event ?? '', frame.data))
      for (const check of [...waiting]) check()
    }
  })().catch(() => {})

  const reader: StreamReader = {
    response,
    frames,
    get messages() {
      return frames.filter(({ event }) => !CONTROL.has(event ?? ''))
    },
    get events() {
      return reader.messages.map(({ id, data }) => ({ position: positionOf(id), ...(JSON.parse(data) as Envelope) }))
    },
    until(condition) {
      return new Promise((resolve, reject) => {
        const finish = (settle: () => void) => {
          clearTimeout(timer)
          waiting.delete(check)
          settle()
        }
        const check = () => condition(reader) && finish(resolve)
        const timer = setTimeout(() => {
          const seen = frames
            .slice(-5)
            .map((frame) => JSON.stringify(frame))
            .join('\n')
          finish(() =>
            reject(
              new Error(
                `the stream did not deliver what the test waits for; the last of ${frames.length} frames:\n${seen}`,
              ),
            ),
          )
        }, TIMEOUT)
        waiting.add(check)
        check()
      })
    },
    untilEvents: (count) => reader.until(({ messages }) => messages.length >= count),
    ended,
    async close() {
      abort.abort()
      await ended
    },
    [Symbol.asyncDispose]: () => reader.close(),
  }
  await Promise.race([reader.until(({ frames: all }) => all.length > 0), ended])
  return reader
}

/** Publishes events over HTTP and returns their positions. @throws {Error} when the response is not 201 */
export async function publish(
  url: string,
  events: readonly object[],
  headers: Record<string, string> = {},
): Promise<number[]> {
  const response = await fetch(`${url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(events),
  })
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
  return ((await response.json()) as { positions: number[] }).positions
}
