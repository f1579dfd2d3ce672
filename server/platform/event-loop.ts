const waiting: (() => void)[] = []

/**
 * Resolves in a later turn of the event loop, for one caller a turn: work in slices, by however many requests, leaves room
 * between two slices for sockets and timers.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(resume)
  })
}

function resume(): void {
  waiting[0]?.()
  // Removed when its slice is done: one that waits again meanwhile comes after the others.
  queueMicrotask(() => {
    waiting.shift()
    if (waiting.length > 0) setImmediate(resume)
  })
}

/** Milliseconds of synchronous work after which other requests get a turn. */
const SLICE = 5

/** Of one piece of work: says when it has taken long enough to let others go first. */
export class Slice {
  #start = performance.now()

  /** Whether it is time to await `next`. */
  get isOver(): boolean {
    return performance.now() - this.#start > SLICE
  }

  async next(): Promise<void> {
    await yieldToEventLoop()
    this.#start = performance.now()
  }
}
