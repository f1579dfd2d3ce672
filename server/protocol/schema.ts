import { type TSchema, Type } from '@sinclair/typebox'
import { EPOCH_PATTERN, POSITION_PATTERN } from './cursor.ts'
import { TOKEN_PATTERN } from './names.ts'

/** The cursor at which something was read: stream after it to miss nothing. */
export const Cursor = Type.String({
  pattern: `^${POSITION_PATTERN}-${EPOCH_PATTERN}$`,
  description: 'opaque: stream after it (Last-Event-ID, lastEventId) to miss nothing',
  examples: ['42-k3f9'],
})

/**
 * A cursor that a request may send: one that the server sent, a plain position, or a word.
 *
 * @param word such as `earliest`
 */
export const CursorOr = (...words: string[]) =>
  Type.String({ pattern: `^(?:${POSITION_PATTERN}(?:-${EPOCH_PATTERN})?|${words.join('|')})$` })

/** The place of an event in the log: positions are dense, and begin with 1. */
export const Position = Type.Integer({ minimum: 0, description: 'place in the log', examples: [42] })

/** A time on the wire: RFC 3339, in UTC, with milliseconds. */
export const Time = (description: string) =>
  Type.String({ format: 'date-time', description, examples: ['2026-11-21T10:00:00.000Z'] })

/**
 * A name that is a token of channels, such as `alice` in `orders.alice.17`: 1 to 100 characters.
 *
 * @param description of what it names; the rule is appended
 */
export const ChannelToken = (description: string, examples: string[]) =>
  Type.String({
    pattern: TOKEN_PATTERN,
    description: `${description}: 1 to 100 characters without spaces, control characters, ".", "*" or ">"`,
    examples,
  })

/** What is read, and the cursor that it was read at. */
export type AtCursor<T> = T & { cursor: string }

/** A schema that takes `null` too. Not Elysia's `t.Nullable`: its `nullable` is no JSON Schema. */
export const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
