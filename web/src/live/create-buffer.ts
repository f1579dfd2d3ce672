import { onCleanup } from 'solid-js'

/** Longest time that an item waits, in milliseconds: a hidden page draws no frames. */
const LONGEST = 300

/** Items that wait for the next frame. */
export interface Buffer<T> {
  /** Adds an item. */
  add: (item: T) => void
  /** Discards the items that wait. */
  clear: () => void
}

/** Collects items, and applies those of a frame at once. @param apply receives them in order, one at least */
export function createBuffer<T>(apply: (items: T[]) => void): Buffer<T> {
  let items: T[] = []
  let frame: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const cancel = () => {
    if (frame !== undefined) cancelAnimationFrame(frame)
    clearTimeout(timer)
    frame = undefined
    timer = undefined
  }
  const flush = () => {
    cancel()
    const taken = items
    items = []
    if (taken.length > 0) apply(taken)
  }
  onCleanup(cancel)
  return {
    add(item) {
      items.push(item)
      frame ??= requestAnimationFrame(flush)
      timer ??= setTimeout(flush, LONGEST)
    },
    clear() {
      items = []
    },
  }
}
