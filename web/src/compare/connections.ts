import { createParser } from 'eventsource-parser'
import type { Connection, ConnectionHandlers, ConnectionRequest, OpenConnection } from '../sse/connection.ts'
import { failureOf } from '../sse/explain-failure.ts'
import { openPollConnection } from '../sse/poll-connection.ts'
import type { Closing, Gap, Ready } from '../sse/protocol.ts'
import { streamAddress } from '../sse/sse-connection.ts'
import { openWebSocketConnection } from '../sse/websocket-connection.ts'
import type { KindId } from './kinds.ts'
import { openPlainPolling } from './plain-polling.ts'
import { frameBytes, type WireMeter } from './wire-meter.ts'

/** Opens the connections of a lane so that what they receive is counted. */
export function measuredConnections(kind: KindId, meter: WireMeter): OpenConnection {
  const open = {
    sse: openSseOverFetch,
    websocket: openCountedWebSocket,
    'long-poll': openWaitingPolling,
    poll: openPlainPolling,
  }[kind]
  return (_transport, request, handlers) => {
    const connection = open(request, handlers, meter)
    return {
      close: () => {
        meter.closed(performance.now())
        connection.close()
      },
    }
  }
}

/** Its requests are counted by the browser (`observeRequests`). */
function openWaitingPolling(request: ConnectionRequest, handlers: ConnectionHandlers, meter: WireMeter): Connection {
  meter.waiting(performance.now())
  return openPollConnection(request, handlers)
}

function openCountedWebSocket(request: ConnectionRequest, handlers: ConnectionHandlers, meter: WireMeter): Connection {
  meter.opened(performance.now())
  let hasResponse = false
  const onFrame = (text: string) => {
    if (!hasResponse) meter.responded()
    hasResponse = true
    meter.received(frameBytes(text))
  }
  return openWebSocketConnection(request, { ...handlers, onFrame })
}

/** An event stream over fetch: an EventSource does not say how many bytes arrive. */
function openSseOverFetch(request: ConnectionRequest, handlers: ConnectionHandlers, meter: WireMeter): Connection {
  const stop = new AbortController()
  meter.opened(performance.now())
  void read(request, handlers, meter, stop.signal)
  return { close: () => stop.abort() }
}

async function read(
  request: ConnectionRequest,
  handlers: ConnectionHandlers,
  meter: WireMeter,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(streamAddress(request), { headers: { accept: 'text/event-stream' }, signal }).catch(
    () => undefined,
  )
  if (response) meter.responded()
  const end = response && (response.status !== 200 || !response.body) ? await failureOf(response) : undefined
  if (response?.body && !end) await feed(response.body, handlers, meter, signal).catch(() => undefined)
  if (!signal.aborted) handlers.onEnd(end ?? { verdict: 'retry', retryAfter: undefined })
}

async function feed(
  body: ReadableStream<Uint8Array>,
  handlers: ConnectionHandlers,
  meter: WireMeter,
  signal: AbortSignal,
): Promise<void> {
  const decoder = new TextDecoder()
  let lastId = ''
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      lastId = id ?? lastId
      // A callback may have closed the stream.
      if (!signal.aborted) dispatch(event, JSON.parse(data), lastId, handlers)
    },
  })
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    meter.received(value.byteLength)
    parser.feed(decoder.decode(value, { stream: true }))
  }
}

function dispatch(event: string | undefined, data: unknown, id: string, handlers: ConnectionHandlers): void {
  if (event === 'ready') handlers.onReady(data as Ready, id)
  else if (event === 'gap') handlers.onGap(data as Gap, id)
  else if (event === 'heartbeat') handlers.onHeartbeat(id)
  else if (event === 'auth-expiring') handlers.onExpiring(id)
  else if (event === 'closing') handlers.onClosing(data as Closing, id)
  else handlers.onEvent(data as Parameters<ConnectionHandlers['onEvent']>[0], id)
}
