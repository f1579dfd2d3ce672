import { SlicedWork } from '../platform/sliced-work.ts'
import { SECOND } from '../platform/time.ts'
import { maySubscribe } from './actor.ts'
import type { Grant } from './grant.ts'

/** Why a stream's right to be open ended. */
export type LeaseEnd = 'expired' | 'revoked'

/** A stream that is open by a grant. */
export interface LeaseHolder {
  /** Patterns that the stream follows: a renewed grant must cover them. */
  patterns: readonly string[]
  /** `hashSession` of the session that the stream was opened with; `null` when it brought a token of its own, which can't be renewed. */
  session: string | null
  /** The grant expires at a time in milliseconds since the Unix epoch; the client should renew it. */
  onExpiring(expiresAt: number): void
  /** The session has a grant that ends later: an earlier warning does not apply any more. */
  onRenewed(): void
  onEnd(reason: LeaseEnd): void
}

/** A lease: what a stream holds while it is open. */
export interface Lease {
  /** The present one: it may have been renewed. */
  readonly grant: Grant
  /** Of the channels that the stream follows. */
  readonly patterns: readonly string[]
  /** The stream follows other patterns now, which the grant covers. */
  follow(patterns: readonly string[]): void
  /** Gives the stream a new grant. It must be of the same subject, and cover the patterns. @param now milliseconds since the Unix epoch */
  renew(grant: Grant, now: number): void
  /** The stream has ended. */
  release(): void
}

interface Entry extends LeaseHolder {
  grant: Grant
  /** Its stream has ended by itself. */
  isReleased: boolean
  /** When the client is warned, in milliseconds since the Unix epoch; `null` when it was, or there is no end. */
  warnAt: number | null
}

/** What leases do to their entries. */
interface Verbs {
  renew(entry: Entry, grant: Grant, now: number): void
  release(entry: Entry): void
}

class EntryLease implements Lease {
  readonly #entry: Entry
  readonly #verbs: Verbs

  constructor(entry: Entry, verbs: Verbs) {
    this.#entry = entry
    this.#verbs = verbs
  }

  get grant(): Grant {
    return this.#entry.grant
  }

  get patterns(): readonly string[] {
    return this.#entry.patterns
  }

  follow(patterns: readonly string[]): void {
    this.#entry.patterns = patterns
  }

  renew(grant: Grant, now: number): void {
    this.#verbs.renew(this.#entry, grant, now)
  }

  release(): void {
    this.#verbs.release(this.#entry)
  }
}

/** Milliseconds between two checks of what expires. */
export const LEASE_INTERVAL = SECOND / 4

/** Fraction of a token's lifetime after which its renewal may begin: from here on at random, so not all renew at once. */
const WARN_AFTER = 0.8

/**
 * The grants of open streams, over their whole life: warns before one expires, ends what has expired or was revoked, and
 * renews all streams of a session in place. Time is a parameter. What concerns many streams is done in slices: thousands of streams
 * end within a second, and do not hold the event loop.
 */
export class Leases {
  readonly #entries = new Set<Entry>()
  readonly #bySession = new Map<string, Set<Entry>>()
  readonly #random: () => number
  /** One object for all leases. */
  readonly #verbs: Verbs = {
    renew: (entry, grant, now) => this.#renew(entry, grant, now),
    release: (entry) => {
      entry.isReleased = true
      this.#remove(entry)
    },
  }
  /** Thousands of streams may end, or be renewed, by one event or at one time. */
  readonly #work = new SlicedWork()

  /** @param random between 0 and 1; defaults to `Math.random` */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  get size(): number {
    return this.#entries.size
  }

  /** @param now milliseconds since the Unix epoch */
  add(grant: Grant, holder: LeaseHolder, now: number): Lease {
    const entry: Entry = { ...holder, grant, isReleased: false, warnAt: this.#warnAt(grant, now) }
    this.#entries.add(entry)
    const { session } = entry
    if (session !== null) {
      const streams = this.#bySession.get(session) ?? new Set()
      this.#bySession.set(session, streams.add(entry))
    }
    return new EntryLease(entry, this.#verbs)
  }

  /**
   * Gives the streams of a session a new grant. It must be of the same subject; streams that it does not cover end as revoked.
   */
  renew(session: string, grant: Grant, now: number): void {
    const streams = [...(this.#bySession.get(session) ?? [])].filter(({ grant: { user } }) => user === grant.user)
    this.#work.add(streams.map((entry) => () => this.#renew(entry, grant, now)))
  }

  /** Ends the streams of a session as revoked. @param session see `LeaseHolder.session`. @returns how many */
  end(session: string): number {
    const streams = [...(this.#bySession.get(session) ?? [])]
    this.#endAll(streams, 'revoked')
    return streams.length
  }

  /** Ends the streams whose grants a rule revokes. @returns how many */
  revoke(isRevoked: (grant: Grant) => boolean): number {
    const revoked = [...this.#entries].filter(({ grant }) => isRevoked(grant))
    this.#endAll(revoked, 'revoked')
    return revoked.length
  }

  /** Warns and ends what is due. Called every `LEASE_INTERVAL`. @param now milliseconds since the Unix epoch */
  tick(now: number): void {
    const expired: Entry[] = []
    for (const entry of this.#entries) {
      const { expiresAt } = entry.grant
      if (expiresAt === null) continue
      if (now >= expiresAt) {
        expired.push(entry)
      } else if (entry.warnAt !== null && now >= entry.warnAt) {
        entry.warnAt = null
        entry.onExpiring(expiresAt)
      }
    }
    this.#endAll(expired, 'expired')
  }

  #renew(entry: Entry, grant: Grant, now: number): void {
    if (!this.#entries.has(entry)) return
    if (entry.patterns.every((pattern) => maySubscribe(grant, pattern))) {
      entry.grant = grant
      entry.warnAt = this.#warnAt(grant, now)
      entry.onRenewed()
    } else {
      this.#endAll([entry], 'revoked')
    }
  }

  #warnAt({ issuedAt, expiresAt }: Grant, now: number): number | null {
    if (expiresAt === null) return null
    const begin = Math.min(issuedAt ?? now, now)
    const earliest = Math.max(now, begin + WARN_AFTER * (expiresAt - begin))
    const left = Math.max(0, expiresAt - earliest)
    // The client needs time to renew, and a warning must not fall between two ticks.
    return earliest + this.#random() * Math.min(0.9 * left, Math.max(left - SECOND, left / 2))
  }

  /** Their leases are over at once, so that nothing renews them; that their streams are closed may take some turns. */
  #endAll(entries: readonly Entry[], reason: LeaseEnd): void {
    for (const entry of entries) this.#remove(entry)
    this.#work.add(entries.map((entry) => () => entry.isReleased || entry.onEnd(reason)))
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry)
    const streams = entry.session === null ? undefined : this.#bySession.get(entry.session)
    streams?.delete(entry)
    if (streams?.size === 0) this.#bySession.delete(entry.session as string)
  }
}
