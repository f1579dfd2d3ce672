import { onCleanup } from 'solid-js'

/** Longest time that something waits, in milliseconds: a page that nobody sees draws no frames. */
const LONGEST = 300

export interface Buffer<T> {
  add: (item: T) => void
  clear: () => void
}

/** What comes within a frame is applied at once, however much it is. */
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
