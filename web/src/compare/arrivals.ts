/** Numbers that are remembered: more than any picture shows. */
const MEMORY = 8192

/** What became of a number. */
export type Mark =
  /** Published, and not here yet. */
  | 'awaited'
  | 'arrived'
  /** It arrived more than once. */
  | 'doubled'
  /** A later one is here, and it is not. */
  | 'missing'

/** When each of the newest numbers arrived on a lane: what its picture shows. */
export class Arrivals {
  readonly #times = new Float64Array(MEMORY)
  readonly #doubled = new Uint8Array(MEMORY)
  #highest = -1
  #published = 0
  /** Called when the picture changes. */
  onChange: () => void = () => {}

  /** How many numbers were published. */
  get published(): number {
    return this.#published
  }

  /** More numbers were published. @param count of all numbers */
  publish(count: number): void {
    if (count <= this.#published) return
    for (let n = Math.max(this.#published, count - MEMORY); n < count; n++) {
      // It may have arrived before its publisher was told.
      if (n <= this.#highest) continue
      this.#times[n % MEMORY] = 0
      this.#doubled[n % MEMORY] = 0
    }
    this.#published = count
    this.onChange()
  }

  /** A number arrived. @param now milliseconds on the clock of `performance.now()`, more than 0 */
  arrive(n: number, now: number): void {
    this.publish(n + 1)
    const slot = n % MEMORY
    if (this.#times[slot]) this.#doubled[slot] = 1
    else this.#times[slot] = now
    this.#highest = Math.max(this.#highest, n)
    this.onChange()
  }

  /** When a number arrived, in milliseconds; `0` when it has not. */
  timeOf(n: number): number {
    return this.#times[n % MEMORY] ?? 0
  }

  /** What became of a number. */
  markOf(n: number): Mark {
    if (this.#doubled[n % MEMORY]) return 'doubled'
    if (this.timeOf(n) > 0) return 'arrived'
    return n < this.#highest ? 'missing' : 'awaited'
  }
}
