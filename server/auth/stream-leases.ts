import { AppError } from '../platform/errors.ts'
import { jittered, SECOND } from '../platform/time.ts'
import type { Actor } from './actor.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { KeyRing } from './key-ring.ts'
import type { Lease, LeaseEnd, Leases } from './leases.ts'
import type { Revocations } from './revocations.ts'
import { hashSession } from './session-cookie.ts'

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
  check(actor: Actor): void
  /** Must follow `check` in the same event-loop turn. @param patterns that the stream follows */
  hold(actor: Actor, patterns: readonly string[], stream: LeasedStream): Lease
}

/** What {@link createStreamLeases} works with. */
export interface StreamLeasesOptions {
  leases: Leases
  revocations: Revocations
  keys: Pick<KeyRing, 'hasRevoked'>
  endedSessions: EndedSessions
}

/** Base of the reconnection time after the end of a lease, in milliseconds: with jitter, about a second. */
const RETRY = 0.7 * SECOND

/** The rights of streams, as leases that are held from their opening to their end. */
export const createStreamLeases = ({
  leases,
  revocations,
  keys,
  endedSessions,
}: StreamLeasesOptions): StreamLeases => ({
  check({ grant, session }) {
    // Verification allows for clocks that differ; a stream would end at once.
    if (grant.expiresAt !== null && grant.expiresAt <= Date.now()) {
      throw new AppError('token.expired', 'The token has expired: get a new one.', { status: 401 })
    }
    if (keys.hasRevoked(grant)) {
      throw new AppError('key.unknown', 'The key was revoked.', { status: 401 })
    }
    if (revocations.covers(grant) || (session !== null && endedSessions.has(hashSession(session)))) {
      throw new AppError('token.revoked', 'The token was revoked, or the session was ended.', { status: 401 })
    }
  },

  hold: ({ grant, session }, patterns, stream) =>
    leases.add(
      grant,
      {
        patterns,
        session: session === null ? null : hashSession(session),
        onExpiring: (expiresAt) => stream.warnOfExpiry(expiresAt),
        onRenewed: () => stream.warnOfExpiry(undefined),
        onEnd: (reason) => stream.close(reason, jittered(RETRY)),
      },
      Date.now(),
    ),
})
