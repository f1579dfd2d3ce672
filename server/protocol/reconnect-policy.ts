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
  /** Milliseconds from `ready` after which a connection counts as stable: earlier failures are forgotten. Defaults to `5_000`. */
  stableAfter?: number
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
  /**
   * `ready` arrived: the attempt succeeded. The back-off starts over only when the connection turns out to be stable, so that
   * a loop of connections that are accepted and lost slows down, too.
   *
   * @param heartbeat milliseconds, as `ready` has it
   * @param now milliseconds, on the clock that `nextWait` is given
   */
  ready(heartbeat: number, now: number): void
  /**
   * A `retry:` field arrived (SSE, section 9.2.6). The first attempt after the loss of a stream that was ready waits exactly
   * this long: the server gives each client a random time of its own. Until a connection is stable, the back-off is added to
   * it from the second time on. @param ms milliseconds
   */
  setReconnectionTime(ms: number): void
  /**
   * `closing` arrived: the next attempt is no sooner than `retry`. While an instance drains, `retry` alone decides, for the
   * restart timeout: the server has computed it from the number of its streams, and another instance is about to serve them.
   * Further drains do not extend that time until a connection was stable. For every other reason (`full`, `unavailable`, …) repeated refusals are followed by longer and longer waits.
   *
   * @param now milliseconds, on the clock that `nextWait` is given
   */
  closing(closing: { reason: string; retry: number }, now: number): void
  /**
   * A response that was no stream asks for a least wait (`Retry-After`). The back-off is added to it from the first time on: a
   * proxy gives all clients the same value. @param ms milliseconds
   */
  setLeastWait(ms: number): void
  /** What follows is no consequence of earlier failures (the network is back, other channels): the back-off starts over. */
  reset(): void
  /**
   * The connection was lost or could not be made. Returns the milliseconds to wait before the next attempt, and counts the
   * failure: call it once for each. From the second attempt on, until a connection is stable, at least 100.
   *
   * @param now milliseconds, on any clock
   */
  nextWait(now: number): number
}

const SECOND = 1000
/** Least wait of repeated attempts, in milliseconds: a random wait, or one that a server gives, may be nothing. */
const LEAST_REPEATED = 100
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
  stableAfter = 5 * SECOND,
  random = Math.random,
}: ReconnectOptions = {}): ReconnectPolicy {
  let silenceLimit = connectTimeout
  /** Since a connection was stable: attempts, those that count for the back-off, and whether the server's time was used. */
  let attempts = 0
  let failures = 0
  let hasReconnected = false
  let wasReady = false
  /** When `ready` arrived, while the connection is open. */
  let readyAt: number | undefined
  let reconnectionTime: number | undefined
  let leastWait: { ms: number; isShared: boolean } | undefined
  let restart: { retry: number; until: number } | undefined

  const reset = () => {
    attempts = 0
    failures = 0
    hasReconnected = false
    leastWait = undefined
    restart = undefined
  }
  const endConnection = (now: number) => {
    if (readyAt !== undefined && now - readyAt >= stableAfter) reset()
    readyAt = undefined
  }
  const setLeastWait = (ms: number, isShared: boolean) => {
    const time = timeOf(ms)
    if (time !== undefined) leastWait = { ms: time, isShared }
  }
  /** Full jitter: between nothing and a limit that doubles, so that many clients do not reconnect at the same time. */
  const backOff = () => random() * Math.min(maxWait, firstWait * 2 ** failures++)
  const waitFrom = (now: number): number => {
    const least = leastWait
    const isReconnecting = wasReady && least === undefined
    leastWait = undefined
    wasReady = false
    if (restart && now < restart.until) return restart.retry
    if (isReconnecting && reconnectionTime !== undefined) {
      const isFirst = !hasReconnected
      hasReconnected = true
      return isFirst ? reconnectionTime : reconnectionTime + backOff()
    }
    const isFirst = failures === 0
    const wait = backOff()
    // What `closing` says is random already.
    return least && isFirst && !least.isShared ? least.ms : (least?.ms ?? 0) + wait
  }

  return {
    get silenceLimit() {
      return silenceLimit
    },
    connecting() {
      silenceLimit = connectTimeout
    },
    ready(heartbeat, now) {
      if (heartbeat > 0) silenceLimit = Math.min(LONGEST, HEARTBEATS * heartbeat)
      wasReady = true
      // A browser may have reconnected by itself.
      endConnection(now)
      readyAt = now
      leastWait = undefined
    },
    setReconnectionTime(ms) {
      reconnectionTime = timeOf(ms) ?? reconnectionTime
    },
    closing({ reason, retry }, now) {
      endConnection(now)
      setLeastWait(retry, false)
      if (reason !== 'drain') restart = undefined
      else if (leastWait) restart = { retry: leastWait.ms, until: restart?.until ?? now + restartTimeout }
    },
    setLeastWait: (ms) => setLeastWait(ms, true),
    reset,
    nextWait(now) {
      endConnection(now)
      const wait = waitFrom(now)
      return attempts++ === 0 ? wait : Math.max(LEAST_REPEATED, wait)
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
