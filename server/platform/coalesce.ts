/**
 * Runs `work` at most once at a time, however many ask: those who ask while it runs share the next run. That begins after
 * they asked, so everyone sees what they changed before.
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
