import { sleep } from './time.ts'

export interface LoopOptions {
  /** Milliseconds after which the work is done again when nobody asked for it. */
  interval: number
  /** Errors are its own business: one that it throws goes to `onError`, and the loop goes on after an interval. */
  work: () => Promise<void>
  onError: (error: unknown) => void
}

/** Does a piece of work over and over, never twice at once: when woken, and at least once an interval. */
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

  /** Asks for the work to be done: now, or once more when it is being done just now. */
  wake(): void {
    this.#wakeUp.abort()
  }

  /** Resolves when the work under way has ended; nothing is begun after it. */
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
        // Whoever wakes it meanwhile would have it fail again at once.
        await sleep(this.#options.interval, this.#stopping.signal)
        continue
      }
      if (this.#stopping.signal.aborted) return
      await sleep(this.#options.interval, this.#wakeUp.signal)
    }
  }
}
