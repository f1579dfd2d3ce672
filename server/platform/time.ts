const MILLISECOND = 1
/** Milliseconds of a second. */
export const SECOND = 1000 * MILLISECOND
/** Milliseconds of a minute. */
export const MINUTE = 60 * SECOND
/** Milliseconds of an hour. */
export const HOUR = 60 * MINUTE
/** Milliseconds of 24 hours. */
export const DAY = 24 * HOUR

/** Resolves after `ms` milliseconds, or at once when `signal` aborts; never rejects. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.max(0, ms))
    signal?.addEventListener('abort', done, { once: true })
  })

/** A random whole number of milliseconds between `ms` and twice `ms`, so that many clients do not act at once. */
export const jittered = (ms: number): number => Math.round(ms * (1 + Math.random()))

/**
 * The promise's own outcome when it settles before the signal aborts.
 *
 * @throws the reason of the signal
 */
export async function untilAborted<T>(promise: PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/**
 * The promise's own outcome when it settles within `ms` milliseconds.
 *
 * @throws {Error} `error()`, called only when the time has passed
 */
export async function withTimeout<T>(promise: PromiseLike<T>, ms: number, error: () => Error): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(error()), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
