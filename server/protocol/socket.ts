import { type Static, Type } from '@sinclair/typebox'
import { Pattern } from './channel.ts'
import { MAX_PATTERNS } from './limits.ts'
import { Nullable, Time } from './schema.ts'

/** Subprotocol of WebSockets on `/events` (RFC 6455, section 1.9). A client that does not offer it is refused. */
export const SUBPROTOCOL = 'sse-update.v1'

/** Most bytes of a message of a client: 64 patterns, or a token. */
export const MAX_SOCKET_MESSAGE = 64 * 2 ** 10

const Patterns = Type.Array(Pattern, { maxItems: MAX_PATTERNS })

/** A client's message that changes the channels of its WebSocket: first some are taken out, then others are added. */
export const ChannelChange = Type.Object(
  {
    subscribe: Type.Optional(Patterns),
    unsubscribe: Type.Optional(Patterns),
  },
  { additionalProperties: false, minProperties: 1, title: 'ChannelChange' },
)

/** A client's message that renews the grant of its WebSocket. */
export const Renewal = Type.Object(
  { token: Type.String({ minLength: 1, description: 'of the same subject; it covers the channels of the stream' }) },
  { additionalProperties: false, title: 'Renewal' },
)

/** The channels of a WebSocket were changed. */
const Subscribed = Type.Object(
  {
    channels: Type.Unsafe<readonly string[]>(
      Type.Array(Pattern, { description: 'patterns of the channels that the stream follows from now on' }),
    ),
    cursor: Nullable(
      Type.String({
        description: 'after which events of the added channels follow; null while a gap is due',
        examples: ['42-k3f9'],
      }),
    ),
  },
  { title: 'Subscribed' },
)
/** The grant of a WebSocket was renewed. */
const Renewed = Type.Object(
  { expiresAt: Nullable(Time('when the new token expires; null when it does not')) },
  { title: 'Renewed' },
)
/** The answers to a client's messages, by `event`. They have no `id`, which every event of the log has. */
export const ANSWERS = {
  subscribed: { summary: 'The channels were changed as the message asked.', data: Subscribed },
  renewed: { summary: 'The stream has the grant of the token.', data: Renewed },
} as const

/** The data of each answer. */
export type Answers = { [Event in keyof typeof ANSWERS]: Static<(typeof ANSWERS)[Event]['data']> }
