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

  /** @param jobs are done after all that were given before. They must not throw */
  add(jobs: Iterable<() => void>): void {
    for (const job of jobs) this.#jobs.push(job)
    if (!this.#isRunning) void this.#run()
  }

  /** Without a pause until the first slice is over. */
  async #run(): Promise<void> {
    this.#isRunning = true
    const slice = new Slice()
    let done = 0
    while (this.#jobs.length > 0) {
      const jobs = this.#jobs
      this.#jobs = []
      for (const job of jobs) {
        if (slice.isOver || done === JOBS_PER_SLICE) {
          await slice.next()
          done = 0
        }
        job()
        done++
      }
    }
    this.#isRunning = false
  }
}
