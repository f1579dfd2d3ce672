import { AppError } from '../platform/errors.ts'
import { parseClientId } from '../protocol/event.ts'
import { isToken } from '../protocol/names.ts'

/** Who sends a request, and from which page. */
export interface Actor {
  /** A token of channels: `alice` in `orders.alice.17`. */
  user: string
  /** `X-Client-Id`: the page's own stream leaves out what it caused. */
  clientId: string | null
}

/**
 * Who acts: the `X-User` header, `guest` without one. There is no access control yet; this is the only place that it will
 * have to change.
 *
 * @throws {AppError} `user.invalid`, `client_id.invalid`
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

/** Bytes of UTF-8, which are handed out as Latin-1 (RFC 9110, section 5.5). */
function decodeHeader(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}
