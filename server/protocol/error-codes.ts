import { type TSchema, Type } from '@sinclair/typebox'

/** What the API says about one error. */
export type ErrorDescription = readonly [
  status: number,
  when: string,
  /** Members of the problem document besides those that all have. */
  members?: Readonly<Record<string, TSchema>>,
]

const text = (description: string, example: string) => Type.String({ description, examples: [example] })
const number = (description: string, example: number) => Type.Integer({ description, examples: [example] })

const LIMIT = { limit: number('the most that is allowed', 65_536) }
const VERSION = { version: number('the version that it has now', 4) }
const EVENT = { event: Type.Optional(number('index of the event in the array that was published', 0)) }
const STATE = {
  allowed: Type.Array(Type.String(), { description: 'what is possible now', examples: [['paid', 'cancelled']] }),
  current: text('the status or state that it has now', 'pending'),
}
const PARAMETER = { parameter: text('the query parameter', 'channels') }

/** Every error of the API: its HTTP status, when it occurs, and its further members. Codes are stable: clients compare them. */
export const ERRORS = {
  'accept.unsupported': [406, 'Accept names neither an event stream nor JSON.'],
  'access.denied': [
    403,
    'The grant of the token, key or session does not cover the request.',
    { channel: Type.Optional(text('the channel or pattern', 'orders.bob.17')) },
  ],
  'auth.required': [401, 'The request has no token, key or session.'],
  'batch.empty': [400, 'An empty array was published.'],
  'batch.too_large': [413, 'Too many events were published at once.'],
  'body.aborted': [400, 'The connection was closed before the whole body had arrived.'],
  'body.invalid': [400, 'The body is not valid JSON, or not UTF-8.'],
  'body.not_json': [415, 'Content-Type is not JSON.'],
  'body.not_text': [415, 'With a channel in the query, Content-Type is neither JSON nor text in UTF-8.'],
  'body.overloaded': [503, 'Too many bodies are being received (MAX_BODIES, MAX_BODY_MEMORY); nothing was changed.'],
  'body.too_large': [413, 'The body has more bytes than the route accepts.', LIMIT],
  'body.too_many': [429, 'Too many slow bodies are being received from this address (MAX_BODIES_PER_ADDRESS).'],
  'body.too_slow': [408, 'The body arrived too slowly, or not within BODY_TIMEOUT_MS.'],
  'channel.invalid': [
    400,
    'A channel or pattern is not 1 to 16 dot-separated tokens, or holds control characters.',
    EVENT,
  ],
  'channel.missing': [400, 'The query has a type or a key, but no channel.'],
  'channel.reserved': [403, 'Events of channels whose first token is "sse" are published by the server only.', EVENT],
  'channel.too_many': [400, 'A request asks for more than 64 patterns.'],
  'client_id.invalid': [400, 'X-Client-Id or clientId is not 1 to 255 characters.'],
  'cursor.invalid': [400, 'The cursor of a page is not one of this server, a position, "earliest" or "latest".'],
  'data.invalid': [400, 'data is not "envelope" or "raw".'],
  'data.too_deep': [400, 'JSON is nested too deeply.'],
  'data.too_large': [413, "An event's data has more than MAX_EVENT_BYTES.", EVENT],
  'database.unavailable': [503, 'Postgres is unreachable; nothing was changed.'],
  'database.unknown': [503, 'The connection to Postgres was lost: it is not known whether something was changed.'],
  'event.invalid': [400, 'An event is not an object, or has an unknown member.', EVENT],
  'file.unknown': [404, 'The task has no such file, or has not succeeded.'],
  'host.invalid': [400, 'The Host header is not one name or address, or there are two.'],
  'host.unknown': [421, 'The Host header names a host that this server does not serve (ALLOWED_HOSTS).'],
  'if_match.invalid': [400, 'If-Match is not an ETag of this server.'],
  internal: [500, 'A failure of the server; its log has the details.'],
  'key.deleted': [410, 'What was created with the idempotency key has been deleted.'],
  'key.invalid': [400, 'An idempotency key is not 1 to 255 characters.', EVENT],
  'key.reused': [422, 'The idempotency key was used for another request, or for another event of the channel.', EVENT],
  'key.unknown': [401, 'The key is not known, or was revoked.'],
  'lab.off': [403, 'The server does not allow faults (LAB).'],
  'limit.invalid': [400, 'The limit of a page is not a whole number from 1 to 1000.'],
  'message.invalid': [
    400,
    'A message of the client of a WebSocket is not JSON, or none that there is; the server closes it.',
  ],
  'method.not_allowed': [405, 'The resource does not have the method.'],
  'named.invalid': [400, 'named is not "true" or "false".'],
  'notification.too_large': [413, 'A copy for each recipient would have more than 2 MiB altogether.', LIMIT],
  'notification.unknown': [404, "The user's inbox has no such notification."],
  'order.illegal_transition': [409, 'The transition is not allowed.', STATE],
  'order.not_deletable': [409, 'Only orders that are pending, delivered or cancelled can be deleted.'],
  'order.total_too_large': [400, 'A number can not hold the total.'],
  'order.unknown': [404, 'There is no such order.'],
  'order.version_conflict': [412, 'The order was changed since it was read.', VERSION],
  'origin.foreign': [403, 'The request comes from a page of another origin (ALLOWED_ORIGINS).'],
  'origin.required': [
    403,
    'A request that changes something is authenticated by a session cookie, and does not come from a page of this server.',
  ],
  'parameter.repeated': [400, 'A query parameter that has a single value was given several times.', PARAMETER],
  'parameter.unknown': [
    400,
    'The resource has no such query parameter.',
    { ...PARAMETER, suggestion: Type.Optional(text('the nearest parameter there is', 'channel')) },
  ],
  'publish.overloaded': [503, 'Too many requests are waiting for Postgres; nothing was published.'],
  'publish.too_fast': [429, 'The subject publishes more events per second than PUBLISH_RATE.'],
  'publish.unknown': [503, 'The connection to Postgres was lost: it is not known whether the events were published.'],
  'report.period_invalid': [400, 'A day does not exist, or the period ends before it begins.'],
  'request.invalid': [
    400,
    'A member, parameter or path does not fit the schema.',
    { in: text('body, query or params', 'body'), path: text('the member, dotted', 'lines.0.quantity') },
  ],
  'request.too_fast': [429, 'The subject sends more requests per second than REQUEST_RATE.'],
  'route.unknown': [
    404,
    'There is nothing at this path.',
    { suggestion: Type.Optional(text('the nearest route there is', '/api/orders/{id}')) },
  ],
  'session.insecure': [400, 'A session was requested over plain HTTP, other than at a name of the machine itself.'],
  'session.key': [400, 'A session was requested with a key instead of a token.'],
  'session.too_large': [413, 'The token of a session is larger than what a browser keeps as a cookie.'],
  'session.unavailable': [400, 'The server accepts no tokens: there are no sessions.'],
  'storage.exceeded': [409, "The files of the owner's tasks would have more than MAX_OWNER_BYTES.", LIMIT],
  'stream.limit': [429, 'The subject or the address has as many streams and waiting requests as it may have.'],
  'stream.unavailable': [
    503,
    'A request can not wait for events now: the instance stops or is full, or Postgres is unreachable.',
    { reason: text('drain, full or unavailable, as in `closing`', 'full') },
  ],
  'subscription.empty': [400, 'A WebSocket was to follow no channel any more.'],
  'subscription.full': [503, 'The index of subscriptions has no room for further patterns.'],
  'subscription.too_fast': [429, 'The WebSockets of the subject change more patterns per second than they may.'],
  'task.illegal_action': [409, 'The state of the task does not allow it.', STATE],
  'task.unknown': [404, 'There is no such task.'],
  'task.version_conflict': [412, 'The task was changed since it was read.', VERSION],
  'tasks.too_many': [429, 'The owner has TASKS_PER_OWNER tasks that are queued or running.', LIMIT],
  'time.invalid': [400, 'A time is not RFC 3339, such as 2026-11-21T10:00:00Z.'],
  'token.expired': [401, 'The token has expired.'],
  'token.invalid': [401, 'The token can not be verified, or a claim has an unexpected value.'],
  'token.revoked': [401, 'The token was revoked.'],
  'token.subject': [403, 'A token that is to renew the grant of an open WebSocket is of another subject.'],
  'token.unverifiable': [503, 'The keys of the issuer can not be fetched.'],
  'type.invalid': [400, 'A type is not 1 to 255 characters.', EVENT],
  'type.reserved': [400, 'The type is that of a control event, or of an event of EventSource itself.', EVENT],
  'type.too_many': [400, 'A request asks for more than 64 types.'],
  'upload.aborted': [400, 'The upload was cut off.'],
  'upload.empty': [400, 'The file is empty.'],
  'upload.name_invalid': [400, 'The name of the file is not 1 to 200 characters.'],
  'upload.not_csv': [415, 'Content-Type is not text/csv.'],
  'upload.too_large': [413, 'The file has more than MAX_UPLOAD_BYTES.'],
  'user.invalid': [400, 'X-User is not the name of a user: 1 to 100 characters without spaces, ".", "*" or ">".'],
  'wait.invalid': [400, 'wait is not a whole number of seconds from 0 to 60.'],
  'websocket.handshake': [400, 'The request for a WebSocket is no handshake of RFC 6455, or came over HTTP/2.'],
  'websocket.protocol': [426, 'The WebSocket has no subprotocol sse-update.v1, or another version than 13.'],
} as const satisfies Record<string, ErrorDescription>

/** The `code` of a problem document. */
export type ErrorCode = keyof typeof ERRORS
