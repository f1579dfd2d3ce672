import { type TSchema, Type } from '@sinclair/typebox'

/** The position of the log at which something was read: stream after it to miss nothing. */
export const Cursor = Type.Integer({ description: 'stream after this position to miss nothing', examples: [42] })

/** A token of a channel's name, such as `alice` in `orders.alice.17`. */
export const ChannelToken = (description: string, examples: string[]) =>
  Type.String({ pattern: '^[^\\u0000-\\u0020\\u007f.*>]{1,100}$', description, examples })

/** What is read, and the position of the log that it was read at. */
export type AtCursor<T> = T & { cursor: number }

/** Not Elysia's t.Nullable: its `nullable` is no JSON Schema. */
export const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
