import type { Transport } from '../sse/protocol.ts'

/** Milliseconds between two requests of plain polling. */
export const POLL_INTERVAL = 2000

/** One way in which events reach the page. */
export interface Kind {
  id: 'sse' | 'websocket' | 'long-poll' | 'poll'
  name: string
  /** What it is, in a few words. */
  hint: string
  /** The transport of the browser client that it is nearest to. */
  transport: Transport
  /** When to use it. */
  use: string
  /** What to know before. */
  mind: string
}

/** Identifies a kind. */
export type KindId = Kind['id']

/** The lanes of the page, in order. */
export const KINDS: readonly Kind[] = [
  {
    id: 'sse',
    name: 'SSE',
    hint: 'One response that never ends',
    transport: 'sse',
    use: 'The default: live lists, notifications, progress. It is plain HTTP.',
    mind: 'One way only. A proxy that buffers holds it back; over HTTP/1.1 it takes one of six connections.',
  },
  {
    id: 'websocket',
    name: 'WebSocket',
    hint: 'One socket, both directions',
    transport: 'websocket',
    use: 'The browser sends as often as it receives, or changes its channels all the time.',
    mind: 'Every proxy must let the upgrade through. No reconnecting of its own: a client has to do that.',
  },
  {
    id: 'long-poll',
    name: 'Long-polling',
    hint: 'A request that waits for events',
    transport: 'poll',
    use: 'Something on the way buffers or refuses streams. The client falls back to it by itself.',
    mind: 'A request for each delivery, with its headers and cookies.',
  },
  {
    id: 'poll',
    name: 'Polling',
    hint: `A request every ${POLL_INTERVAL / 1000} s`,
    transport: 'poll',
    use: 'Seconds do not matter, or nothing but short requests gets through.',
    mind: 'Late by half its interval on average. It asks even when nothing has happened.',
  },
]
