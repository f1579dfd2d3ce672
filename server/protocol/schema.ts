import { type TSchema, Type } from '@sinclair/typebox'
import { UNSAFE_CHARACTERS } from './names.ts'

/** The position of the log at which something was read: stream after it to miss nothing. */
export const Cursor = Type.Integer({ description: 'stream after this position to miss nothing', examples: [42] })

/** What a token of a channel's name may be, such as `alice` in `orders.alice.17`; up to 100 characters. */
export const TOKEN_PATTERN = `^[^${UNSAFE_CHARACTERS} .*>]{1,100}$`

export const ChannelToken = (description: string, examples: string[]) =>
  Type.String({
    pattern: TOKEN_PATTERN,
    description: `${description}: 1 to 100 characters without spaces, control characters, ".", "*" or ">"`,
    examples,
  })

/** What is read, and the position of the log that it was read at. */
export type AtCursor<T> = T & { cursor: number }

/** Not Elysia's t.Nullable: its `nullable` is no JSON Schema. */
export const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
