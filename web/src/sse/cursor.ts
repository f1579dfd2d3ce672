import { parseLogCursor } from '../../../server/protocol/cursor.ts'

/** A place in the log, as the server gives it, such as `42-k3f9`. It is opaque: send the text back as it came. */
export type Cursor = string

/** Where to begin: a cursor, or a position of the present log, such as one that a user chose. */
export type StartingPoint = Cursor | number

/** The position that a cursor begins with, for de-duplication and display alone; `-1` when there is none. */
export const positionOf = (cursor: StartingPoint | undefined): number => parseLogCursor(String(cursor))?.position ?? -1

/** The cursor of another position of the same page: what follows the position is that of the page. */
export const atPosition = (cursor: Cursor, position: number): Cursor => cursor.replace(/^\d+/, String(position))

/** How far a reader is: the cursor to resume after, and the position below which events are duplicates. */
export class Place {
  #cursor: string | undefined
  #position: number

  /** @param cursor to begin after; `undefined` while it is not known */
  constructor(cursor?: StartingPoint) {
    this.#cursor = cursor === undefined ? undefined : String(cursor)
    this.#position = positionOf(cursor)
  }

  /** The cursor to send back. */
  get cursor(): string | undefined {
    return this.#cursor
  }

  /** The position reached; `-1` before the first. */
  get position(): number {
    return this.#position
  }

  /**
   * Moves forward. Returns `false`, and stays, when the cursor is not after this place; the text of the same position is taken,
   * because it may be of a newer epoch.
   */
  moveTo(cursor: StartingPoint): boolean {
    const position = positionOf(cursor)
    if (position < this.#position || position === -1) return false
    const isNews = position > this.#position
    this.#cursor = String(cursor)
    this.#position = position
    return isNews
  }

  /** Moves to the other side of a gap; backwards, too, when the log was set back: de-duplication starts over there. */
  jumpTo(cursor: StartingPoint): void {
    this.#cursor = String(cursor)
    this.#position = positionOf(cursor)
  }

  /**
   * An event without a cursor of its own (from a page of history) was delivered: it is a duplicate from now on. Returns `false`
   * when it is one already. The cursor to send back follows at the end of the page.
   */
  pass(position: number): boolean {
    if (position <= this.#position) return false
    this.#position = position
    return true
  }
}
