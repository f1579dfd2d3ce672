/**
 * Bytes that a response counts for its headers: browsers report this amount, whatever the headers are (Resource Timing,
 * `transferSize`). It is added to streams too, so that the lanes are counted alike.
 */
export const HEADERS = 300

const encoder = new TextEncoder()

/** Bytes of a WebSocket frame of the server: its payload, and the frame's own header (RFC 6455, section 5.2). */
export function frameBytes(text: string): number {
  const payload = encoder.encode(text).byteLength
  if (payload < 126) return payload + 2
  return payload + (payload < 2 ** 16 ? 4 : 10)
}

/** A request that has ended, as the browser reports it (`PerformanceResourceTiming`). */
export interface RequestTiming {
  /** Bytes of the response, headers included. */
  transferSize: number
  /** Milliseconds on the clock of `performance.now()`. */
  startTime: number
  responseEnd: number
}

/** What one lane has cost: bytes, requests, and the time for which a connection was in use. */
export class WireMeter {
  /** Bytes received. */
  bytes = 0
  /** Requests made; those that polling still waits for are counted when they end. */
  requests = 0
  #busy = 0
  #busySince: number | undefined

  /** A request begins whose response stays open, or a socket. @param now milliseconds of `performance.now()` */
  opened(now: number): void {
    this.requests++
    this.#busySince = now
  }

  /** The headers of its response have arrived. */
  responded(): void {
    this.bytes += HEADERS
  }

  /** A lane that always waits for a response begins to. @param now milliseconds of `performance.now()` */
  waiting(now: number): void {
    this.#busySince = now
  }

  /** The connection has ended. @param now milliseconds of `performance.now()` */
  closed(now: number): void {
    if (this.#busySince !== undefined) this.#busy += Math.max(0, now - this.#busySince)
    this.#busySince = undefined
  }

  /** Bytes arrived. */
  received(bytes: number): void {
    this.bytes += bytes
  }

  /** A request of polling has ended. */
  ended({ transferSize, startTime, responseEnd }: RequestTiming): void {
    this.requests++
    this.bytes += transferSize
    // A lane that always waits is in use from one response to the next.
    if (this.#busySince === undefined) this.#busy += responseEnd - startTime
  }

  /** Milliseconds for which a connection was in use until now. @param now milliseconds of `performance.now()` */
  busy(now: number): number {
    return this.#busy + (this.#busySince === undefined ? 0 : Math.max(0, now - this.#busySince))
  }
}

/**
 * Reports the requests of polling on a channel as they end. Returns how to stop that.
 *
 * @param onRequest `isWaiting`: whether it was a request that may wait (long-polling)
 */
export function observeRequests(channel: string, onRequest: (timing: RequestTiming, isWaiting: boolean) => void) {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as PerformanceResourceTiming[]) {
      const { searchParams } = new URL(entry.name)
      if (searchParams.get('channel') !== channel || !searchParams.has('after')) continue
      onRequest(entry, searchParams.has('wait'))
    }
  })
  observer.observe({ type: 'resource' })
  return () => observer.disconnect()
}
