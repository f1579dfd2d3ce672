import { type TSchema, Type } from '@sinclair/typebox'
import { UNSAFE_CHARACTERS } from './characters.ts'

/** The cursor at which something was read: stream after it to miss nothing. */
export const Cursor = Type.String({
  description: 'opaque: stream after it (lastEventId) to miss nothing',
  examples: ['42-k3f9x2'],
})

/** What a token of a channel's name may be, such as `alice` in `orders.alice.17`; up to 100 characters. */
export const TOKEN_PATTERN = `^[^${UNSAFE_CHARACTERS} .*>]{1,100}$`

export const ChannelToken = (description: string, examples: string[]) =>
  Type.String({
    pattern: TOKEN_PATTERN,
    description: `${description}: 1 to 100 characters without spaces, control characters, ".", "*" or ">"`,
    examples,
  })

/** What is read, and the cursor that it was read at. */
export type AtCursor<T> = T & { cursor: string }

/** Not Elysia's t.Nullable: its `nullable` is no JSON Schema. */
export const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
