import { LRUCache } from 'lru-cache'
import type { Logger } from '../platform/logger.ts'
import { MINUTE } from '../platform/time.ts'
import { urlOf } from './request-url.ts'

/** Milliseconds for which a blocked origin is not logged again. */
const QUIET = 10 * MINUTE
/** Origins that are remembered; a page can have any number of them. */
const MAX_ORIGINS = 100
/** Lines per minute, of all origins together. */
const MAX_LINES = 10

/** Logs that a page of another origin was refused: its developer sees no more than "CORS error". */
export type ReportBlocked = (request: Request) => void

/** Each origin once in ten minutes, and ten lines a minute altogether. @param now milliseconds; defaults to the clock */
export function createReportBlocked(logger: Pick<Logger, 'warn'>, now: () => number = Date.now): ReportBlocked {
  const reported = new LRUCache<string, number>({ max: MAX_ORIGINS })
  let begin = Number.NEGATIVE_INFINITY
  let lines = 0
  return (request) => {
    const origin = (request.headers.get('origin') ?? 'unknown').slice(0, 200)
    const time = now()
    if (time - (reported.get(origin) ?? Number.NEGATIVE_INFINITY) < QUIET) return
    if (time - begin >= MINUTE) {
      begin = time
      lines = 0
    }
    if (lines++ >= MAX_LINES) return
    reported.set(origin, time)
    const { pathname } = urlOf(request)
    const hint =
      'a page of another origin was blocked: if it is yours, add the origin to ALLOWED_ORIGINS, exactly as it is here; behind a proxy, check that it preserves Host, sends X-Forwarded-Proto and is one of TRUSTED_PROXIES'
    logger.warn({ origin, method: request.method, path: pathname.slice(0, 200) }, hint)
  }
}
