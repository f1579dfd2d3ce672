/** The frames of a browser, which the test draws; and how to undo the replacement. */
export interface FakeFrames {
  /** Draws a frame: runs what was requested for it. */
  draw: () => void
  /** How many callbacks wait for the next frame. */
  readonly requested: number
  restore: () => void
}

/** Replaces `requestAnimationFrame` and `cancelAnimationFrame`. */
export function fakeFrames(): FakeFrames {
  const before = {
    requestAnimationFrame: globalThis.requestAnimationFrame,
    cancelAnimationFrame: globalThis.cancelAnimationFrame,
  }
  const waiting = new Map<number, () => void>()
  let next = 0
  Object.assign(globalThis, {
    requestAnimationFrame: (callback: () => void) => {
      waiting.set(++next, callback)
      return next
    },
    cancelAnimationFrame: (frame: number) => waiting.delete(frame),
  })
  return {
    draw() {
      const callbacks = [...waiting.values()]
      waiting.clear()
      for (const callback of callbacks) callback()
    },
    get requested() {
      return waiting.size
    },
    restore: () => void Object.assign(globalThis, before),
  }
}
