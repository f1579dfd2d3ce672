import { detail, NAME_PATTERN, RECEIVING } from '../http/describe-route.ts'
import type { ErrorCode } from '../protocol/error-codes.ts'

const query = (name: string, description: string, schema: object, example: unknown) => ({
  name,
  in: 'query',
  description,
  schema,
  example,
})

const CHANNEL = {
  ...query('channel', 'A pattern of at most 16 tokens: `*` is one token, `>` the rest. Up to 64 times.', {}, [
    'orders.alice.*',
  ]),
  schema: { type: 'array' as const, items: { type: 'string' as const } },
}

const EVENT = {
  type: 'object' as const,
  required: ['channel', 'type'],
  properties: {
    channel: {
      type: 'string' as const,
      description: '1 to 16 dot-separated tokens, up to 255 characters, without control characters',
    },
    type: { type: 'string' as const, description: 'up to 255 characters; not one of the stream itself' },
    data: { description: 'any JSON; defaults to null' },
    key: {
      type: ['string', 'null'] as unknown as 'string',
      description:
        'idempotency key: the same event with it again in the channel is the first; another type or data is 422; null is none',
    },
  },
  additionalProperties: false,
}

const PAGE = {
  events: [
    {
      position: 42,
      channel: 'orders.alice.17',
      type: 'order.paid',
      data: { total: 900 },
      time: '2026-11-21T10:00:00.000Z',
    },
  ],
  cursor: 42,
  more: false,
  oldest: 1,
  head: 42,
}

const STREAM_ERRORS: readonly ErrorCode[] = [
  'accept.unsupported',
  'channel.invalid',
  'channel.too_many',
  'client_id.invalid',
  'named.invalid',
  'parameter.repeated',
  'parameter.unknown',
]

const parameters = [
  CHANNEL,
  query(
    'lastEventId',
    'Cursor, for clients that can not set Last-Event-ID; the header takes precedence. An id that is not of this log is a `gap` with the reason `unknown`.',
    { type: 'string' },
    '42',
  ),
  query(
    'clientId',
    'The page: what it causes itself is left out, and it has one stream at a time.',
    { type: 'string', pattern: NAME_PATTERN },
    'page-7',
  ),
  query(
    'named',
    'With `false`, events have no `event:` line, so that `onmessage` gets all of them.',
    { type: 'boolean', default: true },
    false,
  ),
]

export const FOLLOW = detail({
  summary: 'Follow channels live, or read their history',
  description:
    'With `Accept: text/event-stream` (the default) a stream that never ends: first `ready`, then every event of the channels after the cursor, once and in order, and `closing` before the server ends it; /asyncapi.json tells what they carry. With `Accept: application/json` a page of history: the next one is `after` its `cursor`. Where rows of the log were deleted, a page has no events and the member `gap`: `{ from, to, reason: "lost" }`. Without a channel, `broadcast` is followed, and history is of all channels.',
  headers: ['Last-Event-ID'],
  errors: [
    ...STREAM_ERRORS,
    'cursor.invalid',
    'limit.invalid',
    'time.invalid',
    'type.too_many',
    'database.unavailable',
  ],
  operation: {
    parameters: [
      ...parameters,
      query(
        'after',
        'Of history: only events after this position.',
        { type: 'string', pattern: '^(?:\\d+|earliest)$', default: 'earliest' },
        '41',
      ),
      query(
        'before',
        'Of history: newest first, only events before this position, or `latest`; the next page is `before` its `cursor`.',
        { type: 'string', pattern: '^(?:\\d+|latest)$' },
        'latest',
      ),
      query(
        'type',
        'Of history, with `before`: only events of this type. Up to 64 times.',
        { type: 'array', items: { type: 'string', pattern: NAME_PATTERN } },
        ['order.paid'],
      ),
      query(
        'since',
        'Of history, with `before`: only events since this time.',
        { type: 'string', format: 'date-time' },
        '2026-11-21T10:00:00Z',
      ),
      query(
        'until',
        'Of history, with `before`: only events until this time.',
        { type: 'string', format: 'date-time' },
        '2026-11-21T11:00:00Z',
      ),
      query('limit', 'Of history: most events.', { type: 'integer', minimum: 1, maximum: 1000, default: 100 }, 100),
    ],
    responses: {
      200: {
        description: 'The stream, or a page of history.',
        content: {
          'text/event-stream': {
            example:
              'event: order.paid\ndata: {"channel":"orders.alice.17","type":"order.paid","data":{"total":900},"time":"2026-11-21T10:00:00.000Z"}\nid: 42\n\n',
          },
          'application/json': { example: PAGE },
        },
      },
      204: { description: 'Over: all tasks that are followed have ended, and the client has seen it. It stops.' },
    },
  },
})

export const FOLLOW_HEAD = detail({
  summary: 'Whether a stream would be opened',
  errors: STREAM_ERRORS,
  operation: { parameters, responses: { 200: { description: 'It would.' } } },
})

export const PUBLISH = detail({
  summary: 'Publish an event, or several at once',
  description: 'Several are an array: all of them are published, in their order, or none.',
  headers: ['X-Client-Id', 'Idempotency-Key'],
  errors: [
    ...RECEIVING,
    'batch.empty',
    'batch.too_large',
    'body.invalid',
    'body.not_json',
    'body.too_large',
    'channel.invalid',
    'client_id.invalid',
    'data.too_deep',
    'data.too_large',
    'database.unavailable',
    'event.invalid',
    'key.invalid',
    'key.reused',
    'publish.overloaded',
    'publish.unknown',
    'type.invalid',
    'type.reserved',
  ],
  operation: {
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: { oneOf: [EVENT, { type: 'array', items: EVENT }] },
          example: { channel: 'orders.alice.17', type: 'order.paid', data: { total: 900 } },
        },
      },
    },
    responses: {
      201: {
        description: 'It is in the log, at this position; of an array, the positions.',
        content: { 'application/json': { example: { position: 42 } } },
      },
    },
  },
})
