import { sleep } from './time.ts'

/** What a {@link Loop} does, and how often. */
export interface LoopOptions {
  /** Milliseconds from the end of the work to its next run, unless the loop is woken earlier. */
  interval: number
  /** When it rejects, the error goes to `onError`, and the loop continues after an interval. */
  work: () => Promise<void>
  onError: (error: unknown) => void
}

/** Runs a piece of work repeatedly, never twice at once: when it is woken, and an interval after the last run. */
export class Loop {
  readonly #options: LoopOptions
  #stopping = new AbortController()
  #wakeUp = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: LoopOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Runs the work now, or once more after the run under way. Before the start it has no effect. */
  wake(): void {
    this.#wakeUp.abort()
  }

  /** Resolves when the run under way has ended; no other is begun. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#wakeUp.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#wakeUp = new AbortController()
      try {
        await this.#options.work()
      } catch (error) {
        this.#options.onError(error)
        // Not the signal of `wake`: work that is woken at every event would fail at every event.
        await sleep(this.#options.interval, this.#stopping.signal)
        continue
      }
      if (this.#stopping.signal.aborted) return
      await sleep(this.#options.interval, this.#wakeUp.signal)
    }
  }
}
