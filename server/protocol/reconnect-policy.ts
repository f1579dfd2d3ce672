/** When a client of an event stream gives a connection up, and how long it waits before the next attempt. */
export interface ReconnectOptions {
  /** Upper limit of the first back-off, in milliseconds; the limit doubles with each failure. Defaults to `1_000`. */
  firstWait?: number
  /** Upper limit of every back-off, in milliseconds; the server may ask for more. Defaults to `30_000`. */
  maxWait?: number
  /** Milliseconds that an attempt may take until `ready` arrives. Defaults to `10_000`. */
  connectTimeout?: number
  /** Milliseconds after a drain for which its reconnection time is used again and again. Defaults to `10_000`. */
  restartTimeout?: number
  /** Returns numbers from 0 (included) to 1 (excluded). Defaults to `Math.random`. */
  random?: () => number
}

/**
 * The state of one client across its connections. It holds no timer and reads no clock: the caller reports what arrives and
 * does the waiting. One policy serves one stream, and every client of this repository has this one.
 */
export interface ReconnectPolicy {
  /**
   * Milliseconds of silence after which the connection counts as lost: the connect timeout until `ready` has arrived, two and a
   * half heartbeats from then on.
   */
  readonly silenceLimit: number
  /** An attempt begins: until `ready` arrives, the connect timeout applies again. */
  connecting(): void
  /** `ready` arrived: the attempt succeeded, and the back-off starts over. @param heartbeat milliseconds, as `ready` has it */
  ready(heartbeat: number): void
  /**
   * A `retry:` field arrived (SSE, section 9.2.6). The first attempt after the loss of a stream that was ready waits exactly
   * this long: the server gives each client a random time of its own. @param ms milliseconds
   */
  setReconnectionTime(ms: number): void
  /**
   * `closing` arrived: the next attempt is no sooner than `retry`. While an instance drains, `retry` alone decides, for the
   * restart timeout: the server has computed it from the number of its streams, and another instance is about to serve them.
   * For every other reason (`full`, `unavailable`, …) repeated refusals are followed by longer and longer waits.
   *
   * @param now milliseconds, on the clock that `nextWait` is given
   */
  closing(closing: { reason: string; retry: number }, now: number): void
  /** A response that was no stream asks for a least wait (`Retry-After`), which the back-off is added to. @param ms milliseconds */
  setLeastWait(ms: number): void
  /** What follows is no consequence of earlier failures (the network is back, other channels): the back-off starts over. */
  reset(): void
  /**
   * The connection was lost or could not be made. Returns the milliseconds to wait before the next attempt, and counts the
   * failure: call it once for each. @param now milliseconds, on any clock
   */
  nextWait(now: number): number
}

const SECOND = 1000
/** Heartbeats without a sign of life after which a connection counts as lost: one may be late, two are not. */
const HEARTBEATS = 2.5
/** Upper limit of all times that a server gives, in milliseconds: timers of JavaScript overflow at 2^31. */
const LONGEST = 24 * 60 * 60 * SECOND

/** Creates the policy of one client. @see ReconnectPolicy */
export function createReconnectPolicy({
  firstWait = SECOND,
  maxWait = 30 * SECOND,
  connectTimeout = 10 * SECOND,
  restartTimeout = 10 * SECOND,
  random = Math.random,
}: ReconnectOptions = {}): ReconnectPolicy {
  let silenceLimit = connectTimeout
  let failures = 0
  let wasReady = false
  let reconnectionTime: number | undefined
  let leastWait: number | undefined
  let restart: { retry: number; until: number } | undefined

  const reset = () => {
    failures = 0
    leastWait = undefined
    restart = undefined
  }
  /** Full jitter: between nothing and a limit that doubles, so that many clients do not reconnect at the same time. */
  const backOff = () => random() * Math.min(maxWait, firstWait * 2 ** failures)

  return {
    get silenceLimit() {
      return silenceLimit
    },
    connecting() {
      silenceLimit = connectTimeout
    },
    ready(heartbeat) {
      if (heartbeat > 0) silenceLimit = Math.min(LONGEST, HEARTBEATS * heartbeat)
      wasReady = true
      reset()
    },
    setReconnectionTime(ms) {
      reconnectionTime = timeOf(ms) ?? reconnectionTime
    },
    closing({ reason, retry }, now) {
      leastWait = timeOf(retry) ?? leastWait
      if (reason !== 'drain') restart = undefined
      else if (leastWait !== undefined) restart = { retry: leastWait, until: restart?.until ?? now + restartTimeout }
    },
    setLeastWait(ms) {
      leastWait = timeOf(ms) ?? leastWait
    },
    reset,
    nextWait(now) {
      const least = leastWait
      const isFirst = wasReady
      leastWait = undefined
      wasReady = false
      if (restart && now < restart.until) return restart.retry
      if (least === undefined && isFirst && reconnectionTime !== undefined) return reconnectionTime
      const wait = backOff()
      if (failures++ === 0 && least !== undefined) return least
      return (least ?? 0) + wait
    },
  }
}

/** A time of the server, within bounds; `undefined` when it is none. */
const timeOf = (ms: number): number | undefined => (ms >= 0 ? Math.min(LONGEST, ms) : undefined)

/**
 * What a status means for a client that asked for an event stream:
 *
 * - `stream`: the body is one (200).
 * - `over`: nothing more will ever come; do not reconnect (204; SSE, section 9.2.3).
 * - `refused`: the same request would be refused again (4xx). 401 and 403 are among these: not time but other credentials help,
 *   and then the owner of the stream opens it again.
 * - `retry`: reconnect after the back-off (408, 425, 429, 5xx, and everything else that is no stream).
 */
export type Verdict = 'stream' | 'over' | 'refused' | 'retry'

/** Statuses of the 4xx class that speak of the moment and not of the request (RFC 9110, RFC 8470, RFC 6585). */
const TRANSIENT: readonly number[] = [408, 425, 429]

/** Returns what a status means. @see Verdict */
export function verdictOf(status: number): Verdict {
  if (status === 200) return 'stream'
  if (status === 204) return 'over'
  return status >= 400 && status < 500 && !TRANSIENT.includes(status) ? 'refused' : 'retry'
}

/**
 * Reads the header `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. Returns milliseconds from now on; `undefined`
 * when there is no header or it is neither. @param now milliseconds since the epoch
 */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header) * SECOND
  // `Date.parse` takes nearly anything; a date of HTTP ends in GMT.
  const at = header.endsWith('GMT') ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
