import { type Authorize, countedAs } from '../../auth/actor.ts'
import type { AddressOf, Incoming } from '../../http/client-address.ts'
import { checkParameters } from '../../http/query-parameters.ts'
import type { RateLimit } from '../../http/rate-limit.ts'
import { urlOf } from '../../http/request-url.ts'
import { type Admission, memoryOf } from '../../log/admission.ts'
import type { Publisher } from '../../log/publisher.ts'
import { AppError } from '../../platform/errors.ts'
import { PUBLISH_PARAMETERS } from '../request.ts'
import { type PublicationOptions, readPublication } from './read-publication.ts'

/** What publishing over HTTP needs. */
export interface PublishOptions extends PublicationOptions {
  /** Whose refusals with 401 are delayed. */
  authorizeOnce: Authorize
  addressOf: AddressOf
  publishRate: RateLimit
  publisher: Publisher
  admission: Admission
}

/** What a request has published. */
export interface PublishedEvents {
  /** In the order of the request. */
  positions: number[]
  /** Whether the body was an array. */
  isBatch: boolean
  /** Fields of the response: those of the rate limit, if there is one. */
  headers: Record<string, string>
}

/**
 * Handles a request that publishes, from its query to the commit.
 *
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, and what `Authorize`, `Admission`, `readPublication`, the rate limit
 * and `Publisher` throw
 */
export async function publishRequest(incoming: Incoming, options: PublishOptions): Promise<PublishedEvents> {
  const { request } = incoming
  if (request.url.includes('?')) checkParameters(urlOf(request).searchParams, PUBLISH_PARAMETERS)
  const authorized = options.authorizeOnce(request)
  const actor = authorized instanceof Promise ? await authorized : authorized
  options.admission.check()
  // Read now: the connection may be gone when the body is there.
  const sender = options.publishRate.isUnlimited ? '' : (countedAs(actor.grant) ?? options.addressOf(incoming))
  const { events, isBatch } = await readPublication(incoming, actor, options).catch((error) => {
    // What is refused was read and checked, too: as one event.
    if (error instanceof AppError && REFUSED.includes(error.status)) options.publishRate.take(sender, 1)
    throw error
  })
  const headers = options.publishRate.take(sender, events.length)
  const positions = await options.admission.handle(memoryOf(events), () => options.publisher.publish(events))
  return { positions, isBatch, headers }
}

/** Status of publications that count against PUBLISH_RATE although nothing of them is published. */
const REFUSED = [400, 403, 413, 415, 422]
