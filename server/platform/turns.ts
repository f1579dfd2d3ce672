import { Slice } from './event-loop.ts'

/** Promises that the work of one caller may wait for in sequence and still count as its work. */
const DEPTH = 10

/**
 * Shares the turns of the event loop between callers that are many at once, such as the messages of all sockets: a `Slice` of each
 * turn is for them, and who comes later waits for a later turn. Each by itself is short; a slice of its own for each would
 * not bound their sum.
 */
export class Turns {
  #waiting: (() => void)[] = []
  /** Of this turn; `undefined` while nobody has entered. */
  #slice: Slice | undefined

  /**
   * Before a short piece of synchronous work. In order: nobody overtakes those who wait.
   *
   * @returns `undefined` when the work may be done at once, else a promise of the turn in which it may
   */
  enter(): Promise<void> | undefined {
    if (this.#slice === undefined) {
      this.#begin()
      return undefined
    }
    if (this.#waiting.length === 0 && !this.#slice.isOver) return undefined
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #begin(): void {
    this.#slice = new Slice()
    setImmediate(() => void this.#next())
  }

  async #next(): Promise<void> {
    if (this.#waiting.length === 0) {
      this.#slice = undefined
      return
    }
    this.#begin()
    const waiting = this.#waiting
    let served = 0
    while (served < waiting.length && !this.#slice?.isOver) {
      waiting[served++]?.()
      // Its work is done in what follows from the promise, and its time counts before the next one is let in.
      for (let depth = 0; depth < DEPTH; depth++) await undefined
    }
    this.#waiting.splice(0, served)
  }
}
