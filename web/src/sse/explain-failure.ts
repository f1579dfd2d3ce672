import { parseRetryAfter, verdictOf } from '../../../server/protocol/reconnect-policy.ts'

/** Why an EventSource gave up. */
export type Failure =
  /** The server says that nothing more will come. */
  | { verdict: 'over' }
  /** The same request would be refused again; `reason` is text for people. 401: unless there is another session. */
  | { verdict: 'refused'; reason: string; status: number }
  /** It may work later. @property retryAfter milliseconds, where the server gives a time */
  | { verdict: 'retry'; retryAfter: number | undefined }

/** Milliseconds until the response must have begun. */
const TIMEOUT = 10_000

/**
 * Requests a stream once more to see the status, which an EventSource does not report. A stream that opens meanwhile is closed
 * again, and is a reason to retry.
 */
export async function explainFailure(address: string): Promise<Failure> {
  const stop = new AbortController()
  const response = await fetch(address, {
    headers: { accept: 'text/event-stream' },
    credentials: 'include',
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(TIMEOUT)]),
  }).catch(() => undefined)
  const verdict = response ? verdictOf(response.status) : 'retry'
  try {
    if (verdict === 'over') return { verdict }
    if (response && verdict === 'refused') {
      const problem = (await response.json().catch(() => undefined)) as { detail?: string } | undefined
      const { status } = response
      return { verdict, status, reason: problem?.detail ?? `The server responded with status ${status}.` }
    }
    const header = response?.headers.get('retry-after') ?? null
    return { verdict: 'retry', retryAfter: parseRetryAfter(header, Date.now()) }
  } finally {
    stop.abort()
  }
}
