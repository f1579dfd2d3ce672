/** How far a task is. */
export interface Progress {
  /** Percent. */
  progress: number
  /** What it is doing, as text for users. */
  step: string
}

/** Options of {@link ProgressWriter}. */
export interface ProgressWriterOptions {
  /** Minimum milliseconds between the end of a write and the next one. */
  interval: number
  /** Never rejects. */
  write: (progress: Progress) => Promise<void>
}

/** Writes the newest progress, one write at a time and at a limited rate; older progress that was not written is dropped. */
export class ProgressWriter {
  readonly #options: ProgressWriterOptions
  #pending: Progress | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing: Promise<void> | undefined
  #writtenAt = Number.NEGATIVE_INFINITY
  #isStopped = false

  constructor(options: ProgressWriterOptions) {
    this.#options = options
  }

  /** Progress that was reported and not written yet. */
  get pending(): Progress | undefined {
    return this.#pending
  }

  /** Writes the progress as soon as the rate allows. */
  report(progress: Progress): void {
    this.#pending = progress
    if (this.#isStopped || this.#writing !== undefined || this.#timer !== undefined) return
    const wait = this.#writtenAt + this.#options.interval - performance.now()
    this.#timer = setTimeout(() => this.#write(), Math.max(0, wait))
  }

  /** Starts no further write: what is `pending` stays so. Resolves when the write under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#writing
  }

  #write(): void {
    this.#timer = undefined
    const progress = this.#pending
    if (!progress) return
    this.#pending = undefined
    this.#writing = this.#options.write(progress).finally(() => {
      this.#writing = undefined
      this.#writtenAt = performance.now()
      if (this.#pending) this.report(this.#pending)
    })
  }
}
