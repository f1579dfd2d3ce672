import { AppError } from '../platform/errors.ts'
import { isToken } from '../protocol/names.ts'
import { type Actor, type Authorize, clientIdOf } from './actor.ts'
import type { Authenticate } from './authenticate.ts'

/** Authorization by credentials: the grant is what the token, key or session says. */
export const createAuthorize =
  (authenticate: Authenticate): Authorize =>
  (request) => {
    const authentication = authenticate(request)
    const toActor = ({ grant, session }: Awaited<typeof authentication>): Actor => ({
      user: grant.user,
      clientId: clientIdOf({ user: grant.user, isScoped: true }, request.headers.get('x-client-id')),
      isScoped: true,
      grant,
      session,
    })
    return authentication instanceof Promise ? authentication.then(toActor) : toActor(authentication)
  }

/**
 * Authorization of a server without keys, which listens on loopback: every client that reaches it may do everything, as the user named in
 * `X-User` (`guest` without one).
 */
export const authorizeAnonymous: Authorize = (request) => {
  const name = request.headers.get('x-user')
  const user = name === null ? 'guest' : decodeHeader(name)
  if (!isToken(user)) {
    throw new AppError(
      'user.invalid',
      'X-User is the name of a user: 1 to 100 characters without spaces, ".", "*" or ">".',
    )
  }
  const clientId = clientIdOf({ user, isScoped: false }, request.headers.get('x-client-id'))
  return { user, clientId, isScoped: false, grant: { ...EVERYTHING, user }, session: null }
}

const EVERYTHING = {
  subject: null,
  subscribe: ['>'],
  publish: ['>'],
  role: 'operator',
  tokenId: null,
  issuedAt: null,
  expiresAt: null,
} as const

/** Decodes bytes of UTF-8, which `Headers` presents as Latin-1 (RFC 9110, section 5.5); other bytes stay Latin-1. */
function decodeHeader(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}
