import { SECOND, sleep } from '../platform/time.ts'

/** Milliseconds between two reads. */
const INTERVAL = 20

/**
 * Reads a state that nothing announces (a row, a metric, a process that has ended) until it is as wanted, and returns it. A
 * test that can wait for a frame, a log line or a promise waits for that instead.
 *
 * @param what the wanted state, for the error
 * @param isWanted defaults to whether the value is truthy
 * @param timeout in milliseconds. Defaults to `50_000`: less than a test may take, so that the error says what was awaited
 * @throws {Error} with the last value, when the state is not as wanted in time
 */
export async function until<T>(
  what: string,
  read: () => T | Promise<T>,
  isWanted: (value: T) => boolean = Boolean,
  timeout = 50 * SECOND,
): Promise<T> {
  const signal = AbortSignal.timeout(timeout)
  for (;;) {
    const value = await read()
    if (isWanted(value)) return value
    if (signal.aborted) throw new Error(`not within ${timeout} ms: ${what}; it is ${JSON.stringify(value)}`)
    await sleep(INTERVAL, signal)
  }
}
