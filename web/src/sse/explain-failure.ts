import { parseRetryAfter, verdictOf } from '../../../server/protocol/reconnect-policy.ts'

/** Why an EventSource gave up. */
export type Failure =
  /** The server says that nothing more will come. */
  | { verdict: 'over' }
  /**
   * The same request would be refused again; `reason` is text for people. 401: unless there is another session.
   *
   * @property isServers whether the server itself refuses, and not something on the way to it
   */
  | { verdict: 'refused'; reason: string; status: number; isServers: boolean }
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
  try {
    return response ? await failureOf(response) : { verdict: 'retry', retryAfter: undefined }
  } finally {
    stop.abort()
  }
}

/** What a response means that is not what was requested. Reads its body only when the request was refused. */
export async function failureOf(response: Response): Promise<Failure> {
  const { status } = response
  switch (verdictOf(status)) {
    case 'over':
      return { verdict: 'over' }
    case 'refused': {
      const problem = (await response.json().catch(() => undefined)) as { detail?: string; code?: string } | undefined
      const reason = problem?.detail ?? `The server responded with status ${status}.`
      return { verdict: 'refused', status, reason, isServers: problem?.code !== undefined }
    }
    default:
      return { verdict: 'retry', retryAfter: parseRetryAfter(response.headers.get('retry-after'), Date.now()) }
  }
}
