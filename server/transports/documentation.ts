import { type TSchema, Type } from '@sinclair/typebox'
import { detail, RECEIVING } from '../http/describe-route.ts'
import { Pattern } from '../protocol/channel.ts'
import type { ErrorCode } from '../protocol/error-codes.ts'
import { EventType, Publication, Published } from '../protocol/event.ts'
import { HistoryPage } from '../protocol/history.ts'
import { HISTORY_PAGE, MAX_PATTERNS, MAX_TYPES, MAX_WAIT } from '../protocol/limits.ts'
import { NAME_PATTERN } from '../protocol/names.ts'
import { CursorOr, Time } from '../protocol/schema.ts'

const query = (name: string, description: string, schema: TSchema, example: unknown) => ({
  name,
  in: 'query',
  description,
  schema: schema as object,
  example,
})

/** Of a response or a body whose example is made from its schema. */
const json = (schema: TSchema) => ({ 'application/json': { schema: schema as object } })

/** Errors of reading, as a stream or as history. */
const READ_ERRORS: readonly ErrorCode[] = [
  'accept.unsupported',
  'channel.invalid',
  'channel.too_many',
  'client_id.invalid',
  'cursor.invalid',
  'database.unavailable',
  'limit.invalid',
  'named.invalid',
  'parameter.repeated',
  'parameter.unknown',
  'time.invalid',
  'type.invalid',
  'type.reserved',
  'type.too_many',
  'websocket.handshake',
  'websocket.protocol',
]

/** Errors of `GET`, which may wait. */
const WAIT_ERRORS: readonly ErrorCode[] = ['stream.limit', 'stream.unavailable', 'wait.invalid']

const parameters = [
  query(
    'channel',
    `Pattern of channels to follow: \`*\` is one token, \`>\` the rest. Up to ${MAX_PATTERNS} times: repeat the parameter; a comma is part of a name.`,
    Type.Array(Pattern, { maxItems: MAX_PATTERNS }),
    ['orders.alice.*'],
  ),
  query(
    'lastEventId',
    'Cursor, for clients that can not set Last-Event-ID; the header takes precedence. A cursor that is not of this log is a `gap` with the reason `unknown`.',
    Type.String(),
    '42-k3f9',
  ),
  query(
    'clientId',
    'The page: events that it causes are left out, and it has one stream at a time.',
    Type.String({ pattern: NAME_PATTERN }),
    'page-7',
  ),
  query(
    'named',
    'With `false`, events have no `event:` line, so that `onmessage` gets all of them.',
    Type.Boolean({ default: true }),
    false,
  ),
]

/** `GET /events`. */
export const FOLLOW = detail({
  summary: 'Follow channels live, or read their history',
  description:
    'With `Accept: text/event-stream` (the default) a stream that never ends: first `ready`, then every event of the channels after the cursor, once and in order, and `closing` before the server ends it; /asyncapi.json has their schemas. With `Accept: application/json` a page of history: the next one is `after` its `cursor`. Where events after the cursor are no longer available, a page has the member `gap`. With `Upgrade: websocket` and the subprotocol `sse-update.v1`, the stream comes over a WebSocket, with the same query; /asyncapi.json has its messages and close codes. Without a channel, `broadcast` is followed, and history is of all channels.',
  headers: ['Last-Event-ID', 'Prefer'],
  errors: [...READ_ERRORS, ...WAIT_ERRORS],
  responseHeaders: ['Link'],
  operation: {
    parameters: [
      ...parameters,
      query(
        'after',
        'Of history: only events after this cursor, or `latest` for those to come. It excludes `before`.',
        { ...CursorOr('earliest', 'latest'), default: 'earliest' },
        '41-k3f9',
      ),
      query(
        'before',
        'Of history: newest first, only events before this cursor, or `latest`; the next page is `before` its `cursor`.',
        CursorOr('latest'),
        'latest',
      ),
      query(
        'type',
        `Of history, with \`before\`: only events of this type. Up to ${MAX_TYPES} times.`,
        Type.Array(EventType, { maxItems: MAX_TYPES }),
        ['order.paid'],
      ),
      query(
        'since',
        'Of history, with `before`: only events since this time.',
        Time('RFC 3339'),
        '2026-11-21T10:00:00Z',
      ),
      query(
        'until',
        'Of history, with `before`: only events until this time.',
        Time('RFC 3339'),
        '2026-11-21T11:00:00Z',
      ),
      query(
        'wait',
        'Of history, with `after`: seconds that the request waits for events when there are none (long-polling). The page comes as soon as one does, else empty at the end. `Prefer: wait=30` does the same.',
        Type.Integer({ minimum: 0, maximum: MAX_WAIT, default: 0 }),
        0,
      ),
      query(
        'limit',
        'Of history: most events.',
        Type.Integer({ minimum: 1, maximum: HISTORY_PAGE.max, default: HISTORY_PAGE.default }),
        HISTORY_PAGE.default,
      ),
    ],
    responses: {
      101: { description: 'The connection is a WebSocket, and the stream comes over it.' },
      200: {
        description: 'The stream, or a page of history.',
        content: {
          'text/event-stream': {
            example:
              'event: order.paid\ndata: {"channel":"orders.alice.17","type":"order.paid","data":{"total":900},"time":"2026-11-21T10:00:00.000Z"}\nid: 42-k3f9\n\n',
          },
          ...json(HistoryPage),
        },
      },
      204: { description: 'All tasks that the stream follows have ended, and the client has received that: it stops.' },
    },
  },
})

/** `HEAD /events`. */
export const FOLLOW_HEAD = detail({
  summary: 'Check whether a stream would be opened',
  errors: READ_ERRORS,
  operation: { parameters, responses: { 200: { description: 'The headers of the stream.' } } },
})

/** `POST /events`. */
export const PUBLISH = detail({
  summary: 'Publish an event, or several at once',
  description:
    'An array publishes several: all of them, in their order, or none. With Idempotency-Key, the key of each event of an array is made of the header and its place in the array: an array that was shortened is a repetition of its first events, and one that was extended publishes the additional events.',
  headers: ['X-Client-Id', 'Idempotency-Key'],
  errors: [
    ...RECEIVING,
    'batch.empty',
    'batch.too_large',
    'body.invalid',
    'body.not_json',
    'body.too_large',
    'channel.invalid',
    'channel.reserved',
    'client_id.invalid',
    'data.too_deep',
    'data.too_large',
    'database.unavailable',
    'event.invalid',
    'key.invalid',
    'key.reused',
    'parameter.unknown',
    'publish.overloaded',
    'publish.too_fast',
    'publish.unknown',
    'type.invalid',
    'type.reserved',
  ],
  operation: {
    requestBody: {
      required: true,
      content: json(Publication),
    },
    responses: {
      201: {
        description: 'The event is in the log, at this position; for an array, the positions.',
        content: json(Published),
      },
    },
  },
})
