import type { AddressOf, Incoming } from '../http/client-address.ts'
import { createRateLimit } from '../http/rate-limit.ts'
import { AppError } from '../platform/errors.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { type Actor, type Authorize, countedAs } from './actor.ts'

/** Counts a request of a subject, or of the client's address where there is none. @throws {AppError} `request.too_fast` (429) */
export type RequestRate = (subject: string | null, request: Request) => void

/** What {@link createRequestRate} needs. */
export interface RequestRateOptions {
  /** Requests per second of one subject or address; `0` for no limit. */
  rate: number
  addressOf: AddressOf
  /** That has the connection of a request. */
  server: () => Incoming['server']
  telemetry: Pick<Telemetry, 'limitReached'>
}

/** Seconds of the rate that may come at once: a page that opens sends several requests. */
const BURST = 5

/** The rate of requests of each subject. A request counts once, however often it is authorized. */
export function createRequestRate({ rate, addressOf, server, telemetry }: RequestRateOptions): RequestRate {
  const limit = createRateLimit({
    name: 'requests',
    rate,
    burst: BURST * rate,
    refuse(options) {
      telemetry.limitReached('request_rate')
      return new AppError(
        'request.too_fast',
        `No more than ${rate} requests per second may be sent (REQUEST_RATE). Nothing was changed: send it later.`,
        { ...options, status: 429 },
      )
    },
  })
  const counted = new WeakSet<Request>()
  return (subject, request) => {
    if (rate === 0 || counted.has(request)) return
    counted.add(request)
    limit.take(subject ?? addressOf({ request, server: server() }), 1)
  }
}

/** `authorize` for requests whose rate is limited: it throws `request.too_fast` (429) besides. */
export function limitRequests(authorize: Authorize, checkRate: RequestRate): Authorize {
  const check = (actor: Actor, request: Request) => {
    checkRate(countedAs(actor.grant), request)
    return actor
  }
  return (request) => {
    const actor = authorize(request)
    return actor instanceof Promise ? actor.then((settled) => check(settled, request)) : check(actor, request)
  }
}
