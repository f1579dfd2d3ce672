import { type Static, Type } from '@sinclair/typebox'
import { Closing, Gap } from './control-events.ts'
import { HistoryEvent } from './event.ts'
import { Cursor } from './schema.ts'

/** A page of history: the JSON representation of `/events`. */
export const HistoryPage = Type.Object(
  {
    gap: Type.Optional(Gap),
    closing: Type.Optional(Closing),
    events: Type.Array(HistoryEvent, { description: 'oldest first; newest first with `before`' }),
    cursor: { ...Cursor, description: '`after` of the next page; with `before`, its `before`' },
    more: Type.Boolean({ description: 'whether there is another page', examples: [false] }),
    oldest: Type.Integer({ description: 'position of the oldest event that is kept', examples: [1] }),
    head: Type.Integer({ description: 'position of the newest event', examples: [42] }),
  },
  { title: 'HistoryPage' },
)

/** A page of history, as a client reads it. */
export type HistoryPage = Static<typeof HistoryPage>
