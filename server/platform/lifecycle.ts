import type { Logger } from './logger.ts'
import { sleep } from './time.ts'

/** Something that runs between a start and a stop. What has only one of the two leaves the other out. */
export interface Part {
  /**
   * Resolves when the part runs. A part that rejects has released what it had acquired: its `stop` is not called.
   *
   * @param signal aborts when the part is no longer to run; a start that waits rejects then
   */
  start?(signal?: AbortSignal): void | Promise<void>
  /** Called once, after a start that succeeded. Resolves when nothing of the part is under way. */
  stop?(): void | Promise<void>
}

/** How one part is stopped. */
export interface StopOptions {
  /** Milliseconds after which the stop continues without this part. Defaults to none: it waits for the part. */
  stopTimeout?: number
}

interface Started extends StopOptions {
  name: string
  part: Part
}

/**
 * The parts of a process: started one after the other, and stopped in reverse order, so that each part runs while those
 * that were started after it do.
 *
 * **A part that fails to stop, or does not stop in time, keeps no other part from being stopped.** Each failure is logged
 * with the part's name. A part that is starting when the stop begins is stopped as soon as it has started.
 */
export class Lifecycle {
  readonly #logger: Logger
  readonly #started: Started[] = []
  readonly #stopping = new AbortController()
  #stopped: Promise<void> | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Aborts when the stop begins. */
  get signal(): AbortSignal {
    return this.#stopping.signal
  }

  /**
   * Starts a part, and has it stopped before those that were started earlier.
   *
   * @param name names the part in the log, such as `relay`
   * @throws what the part's `start` throws; the part is then not stopped, the others still are to be
   * @throws the reason of `signal` once the stop has begun; the part does not run then
   */
  async start(name: string, part: Part, options: StopOptions = {}): Promise<void> {
    this.signal.throwIfAborted()
    await part.start?.(this.signal)
    const started = { name, part, ...options }
    if (!this.signal.aborted) {
      this.#started.push(started)
      return
    }
    await this.#stopPart(started)
    throw this.signal.reason
  }

  /**
   * Stops all parts, once: later calls return the result of the first.
   *
   * @throws the error of the part that failed to stop, or an `AggregateError` of several, after all parts were stopped
   */
  stop(): Promise<void> {
    this.#stopping.abort()
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  async #stopAll(): Promise<void> {
    const errors: unknown[] = []
    for (const started of this.#started.toReversed()) errors.push(...(await this.#stopPart(started)))
    throwAll(errors)
  }

  /** @returns the error of the part, if it failed to stop in time */
  async #stopPart({ name, part, stopTimeout }: Started): Promise<unknown[]> {
    const errors: unknown[] = []
    const stopped = settle(part.stop?.bind(part)).then((error) => {
      if (error === undefined) return
      this.#logger.error({ err: error.reason, part: name }, 'a part failed to stop')
      errors.push(error.reason)
    })
    if (stopTimeout === undefined) await stopped
    else if (!(await isInTime(stopped, stopTimeout))) {
      this.#logger.warn({ part: name, timeout: stopTimeout }, 'a part did not stop in time; continuing without it')
    }
    return errors
  }
}

/**
 * Runs a start made of several steps. When one of them fails, the parts that were started by then are stopped, and the
 * failure of the start is what is thrown.
 *
 * @param start starts parts of the lifecycle, in order
 * @param signal aborts the start: the parts that were started by then are stopped at once
 * @throws what `start` throws; the reason of `signal` when it aborts
 */
export async function withLifecycle<T>(
  logger: Logger,
  start: (lifecycle: Lifecycle) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const lifecycle = new Lifecycle(logger)
  // Failures to stop are in the log already.
  const stop = () => lifecycle.stop().catch(() => {})
  signal?.throwIfAborted()
  signal?.addEventListener('abort', stop)
  try {
    const result = await start(lifecycle)
    signal?.throwIfAborted()
    return result
  } catch (error) {
    await stop()
    throw signal?.aborted ? signal.reason : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/**
 * Several parts as one: started in the order of their names, stopped all at the same time. For parts that do not depend on
 * one another, whose stops would take longer in sequence.
 */
export function together(parts: Readonly<Record<string, Part>>): Required<Part> {
  const started: Part[] = []
  const stop = async () => {
    const outcomes = await Promise.all(started.map((part) => settle(part.stop?.bind(part))))
    throwAll(outcomes.flatMap((error) => (error ? [error.reason] : [])))
  }
  return {
    async start(signal) {
      try {
        for (const part of Object.values(parts)) {
          signal?.throwIfAborted()
          await part.start?.(signal)
          started.push(part)
        }
      } catch (error) {
        await stop().catch(() => {})
        throw error
      }
    },
    stop,
  }
}

/** Resolves when the action has ended, to its error if it failed; never rejects. */
async function settle(action: (() => void | Promise<void>) | undefined): Promise<{ reason: unknown } | undefined> {
  try {
    await action?.()
    return undefined
  } catch (reason) {
    return { reason }
  }
}

/** @returns whether `stopped` resolved within `timeout` milliseconds */
async function isInTime(stopped: Promise<void>, timeout: number): Promise<boolean> {
  const done = new AbortController()
  const late = sleep(timeout, done.signal).then(() => false)
  const inTime = await Promise.race([stopped.then(() => true), late])
  done.abort()
  return inTime
}

function throwAll(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} parts failed to stop`)
}
