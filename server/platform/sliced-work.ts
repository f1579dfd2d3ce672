import { Slice } from './event-loop.ts'

/** Jobs of one slice: what they cause after their return, such as writes to sockets, happens in the same turn. */
const JOBS_PER_SLICE = 100

/**
 * Does pieces of synchronous work in order. A few are done at once; what does not fit into one slice follows in later turns of the
 * event loop, so that thousands do not hold it.
 */
export class SlicedWork {
  #jobs: (() => void)[] = []
  #isRunning = false
  /** Of this turn of the event loop: what is given in many calls shares it. */
  #slice: Slice | undefined
  #done = 0

  /** @param jobs are done after all that were given before. They must not throw */
  add(jobs: Iterable<() => void>): void {
    for (const job of jobs) this.#jobs.push(job)
    if (!this.#isRunning) void this.#run()
  }

  /** Without a pause until the first slice is over. */
  async #run(): Promise<void> {
    this.#isRunning = true
    const slice = this.#sliceOfTurn()
    while (this.#jobs.length > 0) {
      const jobs = this.#jobs
      this.#jobs = []
      for (const job of jobs) {
        if (slice.isOver || this.#done >= JOBS_PER_SLICE) {
          await slice.next()
          this.#done = 0
        }
        job()
        this.#done++
      }
    }
    this.#isRunning = false
  }

  #sliceOfTurn(): Slice {
    if (this.#slice) return this.#slice
    this.#done = 0
    this.#slice = new Slice()
    setImmediate(() => {
      this.#slice = undefined
    })
    return this.#slice
  }
}
