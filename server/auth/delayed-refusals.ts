import type { AddressOf, Incoming } from '../http/client-address.ts'
import { AppError } from '../platform/errors.ts'
import type { Authorize } from './actor.ts'
import type { RefusalDelay } from './refusal-delay.ts'
import type { Sessions } from './sessions.ts'

/** What {@link delayUnauthorized} needs. */
export interface DelayedRefusalsOptions {
  refusals: Pick<RefusalDelay, 'unauthorized'>
  addressOf: AddressOf
  /** That has the connection of a request. */
  server: () => Incoming['server']
}

/** Waits, and throws the error on. */
type Refuse = (error: unknown, request: Request) => Promise<never>

const createRefuse =
  ({ refusals, addressOf, server }: DelayedRefusalsOptions): Refuse =>
  async (error, request) => {
    if (error instanceof AppError && error.status === 401) {
      await refusals.unauthorized(addressOf({ request, server: server() }), request.signal)
    }
    throw error
  }

/** `authorize` whose responses with 401 are delayed, the more the more an address gets: for all doors other than streams. */
export function delayUnauthorized(authorize: Authorize, options: DelayedRefusalsOptions): Authorize {
  const refuse = createRefuse(options)
  return (request) => {
    try {
      const actor = authorize(request)
      return actor instanceof Promise ? actor.catch((error) => refuse(error, request)) : actor
    } catch (error) {
      return refuse(error, request)
    }
  }
}

/** Sessions whose beginning with a token that is not accepted is delayed like {@link delayUnauthorized}. */
export function delaySessions(sessions: Sessions | undefined, options: DelayedRefusalsOptions): Sessions | undefined {
  const refuse = createRefuse(options)
  return (
    sessions && { ...sessions, begin: (request) => sessions.begin(request).catch((error) => refuse(error, request)) }
  )
}
