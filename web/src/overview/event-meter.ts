/** What happened in one second. */
export interface Second {
  /** Number of events; `null` when it is not known. */
  rate: number | null
  /** Milliseconds from publication to arrival of the slowest event; `null` when it is not known. */
  latency: number | null
}

/** Counts events by the second, for as long as the page watches the stream. */
export interface EventMeter {
  /**
   * Starts or stops watching: while the page is hidden or disconnected, rates are not known.
   *
   * @param now milliseconds since the epoch
   */
  watch: (isWatching: boolean, now: number) => void
  /** Counts an event. Events published before watching began are ignored: they are a replay. @param time ISO 8601 */
  add: (time: string, now: number) => void
  /** Ends a second. Its figures are not known when watching began less than a second ago. */
  tick: (now: number) => Second
}

/** Latency compares the clocks of two machines when server and browser are not the same. */
export function createEventMeter(): EventMeter {
  let watchingSince = Number.POSITIVE_INFINITY
  let count = 0
  let slowest = 0
  return {
    watch(isWatching, now) {
      watchingSince = isWatching ? now : Number.POSITIVE_INFINITY
    },
    add(time, now) {
      const published = Date.parse(time)
      if (published < watchingSince) return
      count++
      slowest = Math.max(slowest, now - published)
    },
    tick(now) {
      const isKnown = now - watchingSince >= 1000
      const second = isKnown ? { rate: count, latency: slowest } : { rate: null, latency: null }
      count = 0
      slowest = 0
      return second
    },
  }
}
