import type { Cursor } from './cursor.ts'

/** What the registry needs of a cursor. */
export type OpenCursor = Pick<Cursor, 'id' | 'clientId' | 'advance'>

/** The cursors of the streams that are open, by client ID and in the order in which they were opened. */
export class OpenCursors<T extends OpenCursor = Cursor> {
  readonly #cursors = new Set<T>()
  readonly #byClientId = new Map<string, T>()
  /** Those whose position this instance has not reached yet. */
  readonly #ahead = new Set<T>()

  /** Number of open cursors. */
  get size(): number {
    return this.#cursors.size
  }

  /** All of them. One that is removed during the iteration is left out. */
  values(): IterableIterator<T> {
    return this.#cursors.values()
  }

  /** The cursor that a client has open; `undefined` when it has none, or no client ID. */
  ofClient(clientId: string | null): T | undefined {
    return clientId === null ? undefined : this.#byClientId.get(clientId)
  }

  add(cursor: T): void {
    this.#cursors.add(cursor)
    if (cursor.clientId !== null) this.#byClientId.set(cursor.clientId, cursor)
  }

  /** Also of a client that has opened another one meanwhile, which stays. */
  remove(cursor: T): void {
    this.#cursors.delete(cursor)
    this.#ahead.delete(cursor)
    if (cursor.clientId !== null && this.#byClientId.get(cursor.clientId) === cursor) {
      this.#byClientId.delete(cursor.clientId)
    }
  }

  /** Advances the cursor at the next `wakeWaiting`. */
  wait(cursor: T): void {
    this.#ahead.add(cursor)
  }

  /** The position that cursors wait for has grown. One that is still ahead calls `wait` again. */
  wakeWaiting(): void {
    const waiting = [...this.#ahead]
    this.#ahead.clear()
    for (const cursor of waiting) void cursor.advance()
  }
}
