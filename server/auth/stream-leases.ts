import { AppError } from '../platform/errors.ts'
import { jittered, SECOND } from '../platform/time.ts'
import type { Actor } from './actor.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { KeyRing } from './key-ring.ts'
import type { LeaseEnd, Leases } from './leases.ts'
import type { Revocations } from './revocations.ts'
import { hashSession } from './session-cookie.ts'
import { StreamLease } from './stream-lease.ts'
import type { TokenGrants } from './token-grants.ts'

/** What access control does to an open stream. */
export interface LeasedStream {
  /** @param expiresAt milliseconds since the Unix epoch; `undefined` when an earlier warning does not apply any more */
  warnOfExpiry(expiresAt: number | undefined): void
  /** @param retry milliseconds that the client waits before it reconnects */
  close(reason: LeaseEnd, retry: number): void
}

/** The rights of streams while they are open. */
export interface StreamLeases {
  /**
   * Checks an actor once more right before its stream is opened: rights may have ended since the request was authorized.
   *
   * @throws {AppError} `token.expired`, `token.revoked`, `key.unknown` (401)
   */
  check(actor: Pick<Actor, 'grant' | 'session'>): void
  /** Must follow `check` in the same event-loop turn. @param patterns that the stream follows */
  hold(actor: Actor, patterns: readonly string[], stream: LeasedStream): StreamLease
}

/** What {@link createStreamLeases} works with. */
export interface StreamLeasesOptions {
  leases: Leases
  revocations: Revocations
  keys: Pick<KeyRing, 'hasRevoked'>
  endedSessions: EndedSessions
  /** `undefined` where the server accepts no tokens. */
  grantOfToken?: TokenGrants | undefined
}

/** Base of the reconnection time after the end of a lease, in milliseconds: with jitter, about a second. */
const RETRY = 0.7 * SECOND

/** The rights of streams, as leases that are held from their opening to their end. */
export function createStreamLeases({
  leases,
  revocations,
  keys,
  endedSessions,
  grantOfToken,
}: StreamLeasesOptions): StreamLeases {
  const check = ({ grant, session }: Pick<Actor, 'grant' | 'session'>): void => {
    if (grant.expiresAt !== null && grant.expiresAt <= Date.now()) {
      throw new AppError('token.expired', 'The token has expired: get a new one.', { status: 401 })
    }
    if (keys.hasRevoked(grant)) {
      throw new AppError('key.unknown', 'The key was revoked.', { status: 401 })
    }
    if (revocations.covers(grant) || (session !== null && endedSessions.has(hashSession(session)))) {
      throw new AppError('token.revoked', 'The token was revoked, or the session was ended.', { status: 401 })
    }
  }

  return {
    check,
    hold: ({ grant, session }, patterns, stream) => {
      const holder = {
        patterns,
        session: session === null ? null : hashSession(session),
        onExpiring: (expiresAt: number) => stream.warnOfExpiry(expiresAt),
        onRenewed: () => stream.warnOfExpiry(undefined),
        onEnd: (reason: LeaseEnd) => stream.close(reason, jittered(RETRY)),
      }
      const lease = leases.add(grant, holder, Date.now())
      return new StreamLease(lease, (renewed) => check({ grant: renewed, session }), grantOfToken)
    },
  }
}
