import { AppError } from '../platform/errors.ts'
import { TOKEN_PATTERN } from '../protocol/schema.ts'

/** Who sends a request, and from which page. */
export interface Actor {
  /** A token of channels: `alice` in `orders.alice.17`. */
  user: string
  /** `X-Client-Id`: the page's own stream leaves out what it caused. */
  clientId: string | null
}

const USER = new RegExp(TOKEN_PATTERN)
const CLIENT_ID = /^\P{Cc}{1,255}$/u

/**
 * Who acts: the `X-User` header, `guest` without one. There is no access control yet; this is the only place that it will
 * have to change.
 *
 * @throws {AppError} `user.invalid`, `client_id.invalid`
 */
export function identify(request: Request): Actor {
  const user = decodeHeader(request.headers.get('x-user') ?? 'guest')
  if (!USER.test(user)) {
    throw new AppError(
      'user.invalid',
      'X-User is the name of a user: 1 to 100 characters without spaces, ".", "*" or ">".',
    )
  }
  const clientId = request.headers.get('x-client-id')
  if (clientId !== null && !CLIENT_ID.test(clientId)) {
    throw new AppError('client_id.invalid', 'X-Client-Id is text of 1 to 255 characters without control characters.')
  }
  return { user, clientId }
}

/** Bytes of UTF-8, which are handed out as Latin-1 (RFC 9110, section 5.5). */
function decodeHeader(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}
