/** Relative width of a bucket: percentiles are exact to about this. */
const PRECISION = 0.02
const SMALLEST = 0.01

/**
 * Counts durations in buckets of equal ratio, so that millions cost a few kilobytes and a percentile is off by at most
 * two percent (the idea of HdrHistogram and DDSketch).
 */
export class Histogram {
  #buckets: number[] = []
  #count = 0
  #max = 0

  /** Counts one. @param ms milliseconds */
  record(ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(Math.max(ms, SMALLEST) / SMALLEST) / Math.log1p(PRECISION)))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#count++
    if (ms > this.#max) this.#max = ms
  }

  /** How many were recorded. */
  get count(): number {
    return this.#count
  }

  /** The largest that was recorded, in milliseconds; `0` while there is none. */
  get max(): number {
    return this.#max
  }

  /** The percentile in milliseconds; `0` while nothing was recorded. @param fraction such as `0.99` */
  percentile(fraction: number): number {
    let left = this.#count * fraction
    for (const [bucket, count = 0] of this.#buckets.entries()) {
      left -= count
      if (left <= 0 && count > 0) return Math.min(this.#max, SMALLEST * (1 + PRECISION) ** bucket)
    }
    return this.#max
  }
}
