const waiting: (() => void)[] = []

/**
 * Resolves in a later turn of the event loop, one caller in each turn: between two slices of work, of however many
 * requests, sockets and timers are served.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(resume)
  })
}

function resume(): void {
  waiting[0]?.()
  // Removed when its slice is done: a caller that waits again in the meantime comes after the others.
  queueMicrotask(() => {
    waiting.shift()
    if (waiting.length > 0) setImmediate(resume)
  })
}

/** Milliseconds of synchronous work after which a slice is over. */
const SLICE = 5

/**
 * Measures a piece of synchronous work that is done in slices: `if (slice.isOver) await slice.next()` in its loop keeps
 * it from blocking the event loop.
 */
export class Slice {
  #start = performance.now()

  /** Whether 5 ms have passed since the slice began. */
  get isOver(): boolean {
    return performance.now() - this.#start > SLICE
  }

  /** Yields to the event loop, and begins the next slice. */
  async next(): Promise<void> {
    await yieldToEventLoop()
    this.#start = performance.now()
  }
}
