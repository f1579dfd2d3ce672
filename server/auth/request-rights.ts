import type { HeldRights, HoldRights } from '../http/held-rights.ts'
import { AppError } from '../platform/errors.ts'
import type { Actor, Authorize } from './actor.ts'
import type { LeaseEnd } from './leases.ts'
import type { StreamLeases } from './stream-leases.ts'

/** The rights of requests from their authorization to their end. */
export interface RequestRights {
  /** Remembers the actor of the request. */
  authorize: Authorize
  /** A request of a session keeps its rights when the session is renewed. */
  hold: HoldRights
}

const NOTHING: HeldRights = { check: () => {}, release: () => {} }

/**
 * A request is authorized before its body is read, which may take long: its rights are a lease, like those of a stream, so that
 * they end when they expire or are revoked, or the session ends.
 */
export function createRequestRights(authorize: Authorize, leases: StreamLeases): RequestRights {
  const actors = new WeakMap<Request, Actor>()
  const remember = (request: Request, actor: Actor) => {
    actors.set(request, actor)
    return actor
  }
  return {
    authorize(request) {
      const actor = authorize(request)
      return actor instanceof Promise ? actor.then((settled) => remember(request, settled)) : remember(request, actor)
    },
    hold(request, onEnd) {
      const actor = actors.get(request)
      if (!actor) return NOTHING
      const { session } = actor
      const lease = leases.hold(actor, [], {
        warnOfExpiry: () => {},
        close: (reason) => onEnd(endedBy(reason)),
      })
      return {
        check: () => leases.check({ grant: lease.grant, session }),
        release: () => lease.release(),
      }
    },
  }
}

const endedBy = (reason: LeaseEnd) =>
  reason === 'expired'
    ? new AppError('token.expired', 'The token has expired before the request had ended: get a new one.', {
        status: 401,
        closesConnection: true,
      })
    : new AppError(
        'token.revoked',
        'The token or key was revoked, or the session was ended, before the request had ended.',
        { status: 401, closesConnection: true },
      )
