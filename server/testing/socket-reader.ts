import { type CloseName, closeCodeOf } from '../protocol/close-codes.ts'
import { SUBPROTOCOL } from '../protocol/socket.ts'
import { socketViolations } from './control-check.ts'
import { positionOf } from './stream-reader.ts'
import { until } from './until.ts'
import { reportViolations } from './wire-check.ts'

/** A message of the server; `id` is missing in answers. */
export interface SocketMessage {
  id?: string
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  data: any
  retry?: number
}

/** A WebSocket that is being read, with all that it has received. */
export interface SocketReader extends Disposable {
  socket: WebSocket
  /** All messages so far, those of a batch one by one. */
  readonly messages: readonly SocketMessage[]
  /** The log's events among them. */
  readonly events: readonly (SocketMessage & { position: number })[]
  /** Text messages so far: a batch counts as one. */
  readonly frames: number
  send(message: unknown): void
  /** Resolves with the first message that fits. @throws {Error} when none arrives in time */
  message(event: string, fits?: (message: SocketMessage) => boolean): Promise<SocketMessage>
  /** Resolves when `count` events of the log have arrived. */
  untilEvents(count: number): Promise<void>
  /** Resolves when the server has closed the connection. */
  closed: Promise<{ code: number; reason: string }>
}

/** The address of a WebSocket that follows channels. @param more further query parameters */
const socketUrl = (url: string, channels: readonly string[], more: Record<string, string> = {}): string =>
  `${url.replace(/^http/, 'ws')}/events?${new URLSearchParams([...channels.map((channel) => ['channel', channel] as [string, string]), ...Object.entries(more)])}`

/** Opens a WebSocket, and reads it; resolves when it is open. @throws {Error} when it is refused */
export async function openSocketReader(
  url: string,
  channels: readonly string[],
  more: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<SocketReader> {
  const socket = new WebSocket(socketUrl(url, channels, more), { protocols: [SUBPROTOCOL], headers } as never)
  const messages: SocketMessage[] = []
  let frames = 0
  socket.onmessage = ({ data }) => {
    frames++
    const parsed = JSON.parse(data as string) as SocketMessage | SocketMessage[]
    for (const message of Array.isArray(parsed) ? parsed : [parsed]) {
      messages.push(message)
      reportViolations(socketViolations(message))
    }
  }
  const closed = Promise.withResolvers<{ code: number; reason: string }>()
  const opened = Promise.withResolvers<void>()
  opened.promise.catch(() => {})
  socket.onopen = () => opened.resolve()
  socket.onclose = ({ code, reason }) => {
    closed.resolve({ code, reason })
    opened.reject(new Error(`the WebSocket was refused: ${code} ${reason}`))
  }
  await opened.promise
  const eventsOf = () =>
    messages
      .filter(({ id, data }) => id !== undefined && typeof data === 'object' && data !== null && 'channel' in data)
      .map((message) => ({ ...message, position: positionOf(message.id) }))
  return {
    socket,
    messages,
    get events() {
      return eventsOf()
    },
    get frames() {
      return frames
    },
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async message(event, fits = () => true) {
      const found = () => messages.find((message) => message.event === event && fits(message))
      return (await until(`a message ${event}`, found)) as SocketMessage
    },
    untilEvents: async (count) => {
      await until(
        `${count} events`,
        () => eventsOf().length,
        (length) => length >= count,
      )
    },
    closed: closed.promise,
    [Symbol.dispose]: () => socket.close(),
  }
}

/** How the server closes for a reason. */
export const closeOf = (reason: CloseName) => ({ code: closeCodeOf(reason), reason })
