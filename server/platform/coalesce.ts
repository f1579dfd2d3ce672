/**
 * Makes a function that runs `work` at most once at a time. Calls during a run share the next run. A run always begins
 * after the calls that share it, so that each caller's result includes what it had changed before the call.
 */
export function coalesce<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  let next: Promise<T> | undefined
  const start = () => {
    running = work().finally(() => {
      running = undefined
    })
    return running
  }
  const startNext = () => {
    next = undefined
    return start()
  }
  return () => {
    if (!running) return next ?? start()
    next ??= running.then(startNext, startNext)
    return next
  }
}
