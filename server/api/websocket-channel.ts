import { type TSchema, Type } from '@sinclair/typebox'
import { CLOSE_CODES, SUBPROTOCOL } from '../protocol/close-codes.ts'
import type { ErrorCode } from '../protocol/error-codes.ts'
import { Problem, problemExample } from '../protocol/problem.ts'
import { Cursor } from '../protocol/schema.ts'
import { ANSWERS, ChannelChange, Renewal } from '../protocol/socket.ts'

/** A message of AsyncAPI before its schema is made one of the document. */
export interface SocketMessage {
  summary: string
  payload: TSchema
  /** Payloads. Defaults to one that is made of the schema. */
  examples?: readonly unknown[]
}

/** What a message of the client may be refused for. */
const ANSWER_ERRORS: readonly ErrorCode[] = [
  'access.denied',
  'channel.invalid',
  'channel.too_many',
  'key.unknown',
  'message.invalid',
  'session.unavailable',
  'subscription.empty',
  'subscription.full',
  'subscription.too_fast',
  'token.expired',
  'token.invalid',
  'token.revoked',
  'token.subject',
  'token.unverifiable',
]

/** A message of the server that is an answer: without `id`. */
const answerOf = (event: string, data: TSchema) => Type.Object({ event: Type.Literal(event), data })

/** What the server sends over a WebSocket. */
export const SERVER_MESSAGES: Readonly<Record<string, SocketMessage>> = {
  event: {
    summary:
      'An event of any channel, or a control event: `data` is the payload that the other channels of this document give it. Several events that were due at once come as an array of these in one message.',
    payload: Type.Object(
      {
        id: Type.Optional(Cursor),
        event: Type.String({ description: 'the type', examples: ['order.paid'] }),
        data: Type.Unknown({
          examples: [{ channel: 'orders.alice.17', type: 'order.paid', data: {}, time: '2026-11-21T10:00:00.000Z' }],
        }),
        retry: Type.Optional(
          Type.Integer({
            description: 'of ready and closing: milliseconds to wait before reconnecting',
            examples: [120],
          }),
        ),
      },
      { title: 'SocketMessage' },
    ),
  },
  subscribed: { summary: ANSWERS.subscribed.summary, payload: answerOf('subscribed', ANSWERS.subscribed.data) },
  renewed: { summary: ANSWERS.renewed.summary, payload: answerOf('renewed', ANSWERS.renewed.data) },
  error: {
    summary: 'A message of the client was refused, and changed nothing: the problem document that HTTP would return.',
    payload: answerOf('error', Problem),
    examples: ANSWER_ERRORS.map((code) => ({ event: 'error', data: problemExample(code) })),
  },
}

/** What the client of a WebSocket may send. */
export const CLIENT_MESSAGES: Readonly<Record<string, SocketMessage>> = {
  change: {
    summary: 'Changes the channels, in place. Answered by `subscribed` or `error`.',
    payload: ChannelChange,
  },
  renewal: {
    summary: 'Renews the grant with another token of the same subject. Answered by `renewed` or `error`.',
    payload: Renewal,
  },
}

/** What the channel says of itself: handshake, answers, and close codes. */
export const SOCKET_DESCRIPTION = [
  `\`GET /events\` with \`Upgrade: websocket\` and the subprotocol \`${SUBPROTOCOL}\`, and the query of a stream. Messages are text of JSON.`,
  'The server closes with these codes and reasons:',
  ...Object.entries(CLOSE_CODES).map(([reason, [code, when]]) => `- ${code} \`${reason}\`: ${when}`),
].join('\n\n')
