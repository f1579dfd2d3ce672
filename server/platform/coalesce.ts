/** {@link coalesce} for each key: calls with equal keys share runs. @param keyOf equal for arguments with the same result */
export function coalesceBy<A, T>(keyOf: (argument: A) => string, work: (argument: A) => Promise<T>) {
  const callers = new Map<string, { run: () => Promise<T>; waiting: number }>()
  return async (argument: A): Promise<T> => {
    const key = keyOf(argument)
    const shared = callers.get(key) ?? { run: coalesce(() => work(argument)), waiting: 0 }
    callers.set(key, shared)
    shared.waiting++
    try {
      return await shared.run()
    } finally {
      if (--shared.waiting === 0) callers.delete(key)
    }
  }
}

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
