import type { ServerWebSocket } from 'bun'
import type { Cursor } from '../../fanout/cursor.ts'
import type { Incoming } from '../../http/client-address.ts'
import { checkParameters } from '../../http/query-parameters.ts'
import type { RateLimit } from '../../http/rate-limit.ts'
import { urlOf } from '../../http/request-url.ts'
import { AppError } from '../../platform/errors.ts'
import { type CloseName, closeCodeOf, SUBPROTOCOL } from '../../protocol/close-codes.ts'
import type { Closing } from '../../protocol/control-events.ts'
import type { Telemetry } from '../../telemetry/telemetry.ts'
import { requestedCursor, requestedData, requestedNaming, requestedPatterns, STREAM_PARAMETERS } from '../request.ts'
import { admit, beginWithLease, locate, type ReadWish, type SubscribeOptions } from '../subscribe.ts'
import { Conversation } from './conversation.ts'
import { socketEncoding, WEBSOCKET } from './encoding.ts'
import { checkHandshake } from './handshake.ts'
import type { Peers } from './peers.ts'
import { SocketSink } from './socket-sink.ts'

/** A request, and the server that can make its connection a WebSocket. */
export interface UpgradableRequest extends Incoming {
  server:
    | (NonNullable<Incoming['server']> & {
        upgrade(request: Request, options: { data: unknown; headers: Record<string, string> }): boolean
      })
    | null
}

/** What WebSockets need besides other transports. */
export interface SocketOptions extends SubscribeOptions {
  peers: Peers
  /** Of the changes of channels of a subject or address. */
  patternRate: RateLimit
  telemetry: Pick<Telemetry, 'limitReached'>
}

/** What Elysia's handler for WebSockets calls: the data of each has its methods. */
export interface SocketHandlers {
  open(socket: ServerWebSocket<unknown>): void
  message?(socket: ServerWebSocket<unknown>, message: string | Buffer): void
  ping?(socket: ServerWebSocket<unknown>): void
  pong?(socket: ServerWebSocket<unknown>): void
  drain?(socket: ServerWebSocket<unknown>): void
  close?(socket: ServerWebSocket<unknown>, code: number, reason: string): void
}

/** @throws {AppError} `parameter.unknown`, `parameter.repeated`, `named.invalid`, `channel.invalid`, `channel.too_many` */
const wishOf =
  (request: Request): ReadWish =>
  (query) => {
    checkParameters(query, STREAM_PARAMETERS)
    // Without effect: `onmessage` of a WebSocket gets events of every type.
    requestedNaming(query)
    return {
      patterns: requestedPatterns(query),
      encoding: socketEncoding(requestedData(query)),
      requested: requestedCursor(request, query),
    }
  }

/**
 * Makes the connection of a request a WebSocket that is a stream, or one that is closed at once: with `closing` when the stream
 * is refused for now, and with the code of `over` when nothing will ever follow.
 *
 * @returns a response that Bun ignores: it has answered with 101
 * @throws {AppError} what `admit` and `begin` throw, `websocket.protocol` (426), `websocket.handshake`, `parameter.unknown`,
 * `parameter.repeated`, `named.invalid`
 */
export async function openSocket(incoming: UpgradableRequest, options: SocketOptions): Promise<Response> {
  checkHandshake(incoming.request)
  const admitted = await admit(incoming, options, wishOf(incoming.request))
  const outcome = await locate(admitted, options)
  switch (outcome.kind) {
    case 'refused':
      return upgrade(incoming, closeAtOnce(outcome.closing.reason, outcome.closing))
    case 'over':
      return upgrade(incoming, closeAtOnce('over'))
    case 'start': {
      const sink = new SocketSink()
      const begun = beginWithLease(admitted, outcome.start, { sink, transport: 'websocket' }, options)
      sink.attach(begun.cursor)
      const patterns = requestedPatterns(urlOf(incoming.request).searchParams)
      const { hub, patternRate, telemetry } = options
      const sender = admitted.owner.subject ?? admitted.owner.address
      const conversation = new Conversation({
        ...begun,
        hub,
        sink,
        patterns,
        charge: (count) => void patternRate.take(sender, count),
        onFlood: () => telemetry.limitReached('socket_messages'),
      })
      return upgradeOrLeave(incoming, begun.cursor, handlersOf(sink, conversation, options.peers))
    }
  }
}

/** The cursor of the client stays where it is. */
const closeAtOnce = (name: CloseName, closing?: Closing): SocketHandlers => ({
  open(socket) {
    if (closing) socket.send(new TextDecoder().decode(WEBSOCKET.closing(closing, undefined)))
    socket.close(closeCodeOf(name), name)
  },
})

const handlersOf = (sink: SocketSink, conversation: Conversation, peers: Peers): SocketHandlers => ({
  open(socket) {
    peers.add(socket)
    sink.open(socket)
  },
  message(socket, message) {
    peers.heard(socket)
    conversation.receive(message)
  },
  ping(socket) {
    peers.heard(socket)
    conversation.pinged()
  },
  pong: (socket) => peers.heard(socket),
  drain: () => sink.drained(),
  close(socket) {
    peers.remove(socket)
    sink.left()
  },
})

function upgradeOrLeave(incoming: UpgradableRequest, cursor: Cursor, handlers: SocketHandlers): Response {
  try {
    return upgrade(incoming, handlers)
  } catch (error) {
    cursor.close('client')
    throw error
  }
}

/** @throws {AppError} `websocket.handshake` */
function upgrade({ request, server }: UpgradableRequest, data: SocketHandlers): Response {
  const headers = { 'sec-websocket-protocol': SUBPROTOCOL }
  if (server?.upgrade(request, { data, headers })) return new Response()
  throw new AppError(
    'websocket.handshake',
    'This is not a handshake of RFC 6455: "Connection: Upgrade" and a valid Sec-WebSocket-Key belong to it.',
  )
}
