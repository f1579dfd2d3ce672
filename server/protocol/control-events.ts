import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Pattern } from './channel.ts'
import { Cursor, Nullable, Time } from './schema.ts'

/** The first event of a stream. */
export const Ready = Type.Object(
  {
    connection: Type.String({ description: 'name of the connection, for logs', examples: ['7'] }),
    instance: Type.String({ description: 'name of the instance that serves the stream', examples: ['web-1'] }),
    channels: Type.Unsafe<readonly string[]>(
      Type.Array(Pattern, { description: 'patterns of the channels that the stream follows' }),
    ),
    cursor: Cursor,
    oldest: Type.Integer({ description: 'position of the oldest event that is kept', examples: [1] }),
    head: Type.Integer({
      description: 'position of the newest event: up to there the stream catches up',
      examples: [50],
    }),
    resumed: Type.Boolean({ description: 'whether the client sent a cursor', examples: [true] }),
    heartbeat: Type.Integer({
      description: 'milliseconds without an event after which the server sends a heartbeat',
      examples: [15_000],
    }),
  },
  { title: 'Ready' },
)

/** Events after a position that may be missing for the client. */
export const Gap = Type.Object(
  {
    from: Nullable(
      Type.Integer({ description: "position of the client's cursor; null when it is not a cursor", examples: [42] }),
    ),
    to: Type.Integer({ description: 'position after which events follow', examples: [1000] }),
    reason: Type.Union([Type.Literal('purged'), Type.Literal('unknown'), Type.Literal('lost')], {
      description:
        'purged: retention deleted the events; unknown: the cursor is not of this log; lost: rows of the log were deleted',
    }),
  },
  { title: 'Gap' },
)

/** Says that the stream is alive; its ID moves the cursor of a client whose channels are quiet. */
const Heartbeat = Type.Object({ time: Time('when the server sent it') }, { title: 'Heartbeat' })

/** The token of the stream expires soon. */
const AuthExpiring = Type.Object(
  { expiresAt: Time('when the stream ends, unless the session is renewed before') },
  { title: 'AuthExpiring' },
)

/** The last event of a stream that the server ends. */
export const Closing = Type.Object(
  {
    reason: Type.Union(
      [
        Type.Literal('drain'),
        Type.Literal('full'),
        Type.Literal('limit'),
        Type.Literal('unavailable'),
        Type.Literal('replaced'),
        Type.Literal('stalled'),
        Type.Literal('error'),
        Type.Literal('expired'),
        Type.Literal('revoked'),
      ],
      {
        description:
          'drain: the instance stops; full: it has as many streams as it takes; limit: the subject or the address has as many streams as it may have; unavailable: Postgres is unreachable, and the cursor needs it; replaced: the same clientId has opened another stream; stalled: the client did not read; error: a failure of the server; expired: the token of the stream has expired; revoked: the token was revoked, the session was ended, or a renewed token does not cover the channels. Clients treat a reason that they do not know as error.',
      },
    ),
    retry: Type.Integer({
      description: 'milliseconds that the client waits before it reconnects, as in the field `retry`',
      examples: [120],
    }),
  },
  { title: 'Closing' },
)

/** The first event of a stream: where it begins, and what it follows. */
export type Ready = Static<typeof Ready>
/** Events after a position that may be missing for the client. */
export type Gap = Static<typeof Gap>
/** The data of a heartbeat. */
export type Heartbeat = Static<typeof Heartbeat>
/** The data of `auth-expiring`. */
export type AuthExpiring = Static<typeof AuthExpiring>
/** The last event of a stream that the server ends. */
export type Closing = Static<typeof Closing>

/**
 * What a stream says besides the events of the log, by type, whatever carries it. Control events have no channel and are
 * not in the log.
 */
export const CONTROL_EVENTS = {
  ready: { summary: 'The first event of every stream.', data: Ready },
  gap: {
    summary:
      'Events after `from` may be missing: they were purged or deleted, or the cursor is not of this log (then `from` may exceed `to`, or be null). Refetch your state, and continue.',
    data: Gap,
  },
  heartbeat: {
    summary:
      'There was no other event for a while, or the stream has caught up. Its ID is the cursor from which the client resumes.',
    data: Heartbeat,
  },
  closing: {
    summary: 'The server ends the stream: reconnect after `retry` milliseconds. Its ID, if any, is the cursor.',
    data: Closing,
  },
  'auth-expiring': {
    summary:
      'The token expires soon, at a random time in the last fifth of its life: get a new one, and send it to POST /session. Its ID is the cursor.',
    data: AuthExpiring,
  },
} as const satisfies Record<string, { summary: string; data: TSchema }>
