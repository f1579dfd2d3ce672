import { parseLogCursor } from '../../../server/protocol/cursor.ts'

/** The position of a cursor's text, such as the id of an event; `NaN` when it is not one of this kind of server. */
export const positionOf = (cursor: string): number => parseLogCursor(cursor)?.position ?? Number.NaN
