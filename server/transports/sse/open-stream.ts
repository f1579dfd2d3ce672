import type { Actor } from '../../auth/actor.ts'
import type { Incoming } from '../../http/client-address.ts'
import { checkParameters } from '../../http/query-parameters.ts'
import type { Closing } from '../../protocol/control-events.ts'
import { formatCursor, type LogCursor } from '../../protocol/cursor.ts'
import {
  requestedCursor,
  requestedData,
  requestedNaming,
  requestedPatterns,
  STREAM_PARAMETERS,
  type StreamCursor,
} from '../request.ts'
import { admit, begin, locate, parseSubscription, type ReadWish, type SubscribeOptions } from '../subscribe.ts'
import { sseEncoding } from './encoding.ts'
import { closingFrame } from './frame.ts'
import { StreamSink } from './stream-sink.ts'

/** Headers of every stream. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx buffers responses unless this header is set.
  'x-accel-buffering': 'no',
  vary: 'accept',
}

/** @throws {AppError} `parameter.unknown`, `parameter.repeated`, `data.invalid`, `named.invalid`, `channel.invalid`, `channel.too_many` */
const wishOf =
  (request: Request): ReadWish =>
  (query) => {
    checkParameters(query, STREAM_PARAMETERS)
    return {
      patterns: requestedPatterns(query),
      encoding: sseEncoding(requestedData(query), requestedNaming(query)),
      requested: requestedCursor(request, query),
    }
  }

/** Checks a request for a stream that is not opened (HEAD). @throws {AppError} what `admit` throws */
export const checkStreamRequest = (request: Request, actor: Actor): void => {
  parseSubscription(request, actor, wishOf(request))
}

/**
 * The response to a request for a stream: the stream, one that ends at once with `closing`, or 204.
 *
 * @param abandon called after the end of the stream: its socket need not be waited for
 * @throws {AppError} what `admit` and `begin` throw, `parameter.unknown`, `parameter.repeated`, `data.invalid`, `named.invalid`
 */
export async function openStream(
  incoming: Incoming,
  options: SubscribeOptions,
  abandon: () => void,
): Promise<Response> {
  const { request } = incoming
  const admitted = await admit(incoming, options, wishOf(request))
  const outcome = await locate(admitted, options)
  switch (outcome.kind) {
    case 'refused':
      return refuse(outcome.closing, admitted.requested)
    case 'over':
      // The one status after which every client stops reconnecting (HTML, section 9.2.3).
      return new Response(null, { status: 204 })
    case 'start': {
      const sink = new StreamSink(abandon)
      const cursor = begin(admitted, outcome.start, { sink, transport: 'sse' }, options)
      sink.attach(cursor)
      request.signal.addEventListener('abort', () => cursor.close('client'))
      return new Response(sink.stream, { headers: STREAM_HEADERS })
    }
  }
}

/**
 * A native EventSource gives up for good after an error status; a stream that ends at once makes it reconnect, later than
 * usual. Its cursor stays where it is: the cursor that it sent is sent back, for clients that take a missing ID for an empty
 * one.
 */
const refuse = (closing: Closing, requested: StreamCursor) =>
  new Response(closingFrame(closing, typeof requested === 'object' ? textOf(requested) : undefined), {
    headers: STREAM_HEADERS,
  })

const textOf = ({ position, epoch }: LogCursor) => (epoch === null ? String(position) : formatCursor(position, epoch))
