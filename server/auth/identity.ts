import { AppError } from '../platform/errors.ts'
import { parseClientId } from '../protocol/event.ts'
import { isToken } from '../protocol/names.ts'

/** The user who sends a request, and the page that it comes from. */
export interface Actor {
  /** Name of the user, which is a token of channels: `alice` in `orders.alice.17`. */
  user: string
  /** `X-Client-Id`: the stream of this page leaves out the events that its own requests caused; `null` without one. */
  clientId: string | null
}

/**
 * Reads the user from the header `X-User` (`guest` without one) and the page from `X-Client-Id`. There is no access control
 * yet: this is the only place that it will have to change.
 *
 * @throws {AppError} `user.invalid` when the name is no token of a channel, `client_id.invalid` when it is empty, longer than
 * 255 characters or holds a control character
 */
export function identify(request: Request): Actor {
  const user = decodeHeader(request.headers.get('x-user') ?? 'guest')
  if (!isToken(user)) {
    throw new AppError(
      'user.invalid',
      'X-User is the name of a user: 1 to 100 characters without spaces, ".", "*" or ">".',
    )
  }
  const clientId = request.headers.get('x-client-id')
  return { user, clientId: clientId === null ? null : parseClientId(clientId) }
}

/** Decodes bytes of UTF-8, which `Headers` presents as Latin-1 (RFC 9110, section 5.5); other bytes stay Latin-1. */
function decodeHeader(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}
