import { LRUCache } from 'lru-cache'

/** Sessions that are remembered after their end. */
const MAX_ENDED = 100_000

/**
 * The sessions that were ended before their tokens expired, on whichever instance: a copy of the cookie is not accepted after
 * that. It is a copy in memory of what `ended-session-store.ts` stores. The token itself stays valid: one that may be in the wrong
 * hands is to be revoked.
 */
export class EndedSessions {
  readonly #ended = new LRUCache<string, true>({ max: MAX_ENDED })

  /** @param session its `hashSession`. @param ttl milliseconds until its token expires */
  add(session: string, ttl: number): void {
    if (ttl > 0) this.#ended.set(session, true, { ttl })
  }

  /** @param session its `hashSession` */
  has(session: string): boolean {
    return this.#ended.has(session)
  }
}
