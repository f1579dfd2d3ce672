import { fetchEventSource } from '@microsoft/fetch-event-source'
import { EventSource as PackageEventSource } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import ReconnectingEventSource from 'reconnecting-eventsource'

/** Opens a stream with a client that reconnects as it does by default. Returns what closes it for good. */
export type OpenClient = (url: string) => () => void

/** A class with the interface of the browser's. */
type EventSourceClass = new (url: string) => Pick<EventSource, 'onerror' | 'close'>

// Bun resolves `undici` to a module of its own, whose EventSource does nothing: this is the package's.
export const { EventSource: UndiciEventSource } =
  require('undici/lib/web/eventsource/eventsource.js') as typeof import('undici')
// These have no types.
const { EventSourcePolyfill } = require('event-source-polyfill') as { EventSourcePolyfill: EventSourceClass }
const EventSource2 = require('eventsource-2') as EventSourceClass
const { EventSource: LaunchDarkly } = require('launchdarkly-eventsource') as { EventSource: EventSourceClass }

const openWith =
  (EventSource: EventSourceClass): OpenClient =>
  (url) => {
    const source = new EventSource(url)
    // Without a handler, some throw.
    source.onerror = () => {}
    return () => source.close()
  }

/** It wraps an EventSource, and opens a new one where that gives up. */
class Reconnecting extends ReconnectingEventSource {
  constructor(url: string) {
    super(url, { eventSourceClass: PackageEventSource as unknown as typeof EventSource })
  }
}

const openFetchEventSource: OpenClient = (url) => {
  const stop = new AbortController()
  // It is made for browsers.
  Object.assign(globalThis, {
    window: globalThis,
    document: { hidden: false, addEventListener() {}, removeEventListener() {} },
  })
  const onclose = () => {
    throw new Error('the stream has ended')
  }
  void fetchEventSource(url, { signal: stop.signal, fetch, openWhenHidden: true, onclose })
  return () => stop.abort()
}

/** What an application may write that has no client library: it takes no heed of the status, and waits for nothing. */
const openInLoop: OpenClient = (url) => {
  const stop = new AbortController()
  const { signal } = stop
  void (async () => {
    while (!signal.aborted) {
      const response = await fetch(url, { headers: { accept: 'text/event-stream' }, signal }).catch(() => undefined)
      await response?.text().catch(() => '')
    }
  })()
  return () => stop.abort()
}

/** Clients that others wrote, and one that nobody should write, by their names. */
export const SSE_CLIENTS: Readonly<Record<string, OpenClient>> = {
  eventsource: openWith(PackageEventSource as unknown as EventSourceClass),
  'eventsource 2': openWith(EventSource2),
  undici: openWith(UndiciEventSource as unknown as EventSourceClass),
  'event-source-polyfill': openWith(EventSourcePolyfill),
  'launchdarkly-eventsource': openWith(LaunchDarkly),
  'reconnecting-eventsource': openWith(Reconnecting),
  'eventsource-client': (url) => {
    const client = createEventSource({ url })
    return () => client.close()
  },
  'fetch-event-source': openFetchEventSource,
  'a loop without a pause': openInLoop,
}
