import type { Grant } from './grant.ts'

/** One revocation, as it is stored. */
export interface Revocation {
  /** `token`: one token, by `jti`. `subject`: every token of a subject that was issued before `at`. */
  kind: 'token' | 'subject'
  value: string
  /** Milliseconds since the Unix epoch. */
  at: number
}

/** What was revoked. */
export class Revocations {
  #tokens: ReadonlySet<string> = new Set()
  #subjects: ReadonlyMap<string, number> = new Map()

  /** Replaces all. */
  set(revocations: readonly Revocation[]): void {
    this.#tokens = new Set(revocations.filter(({ kind }) => kind === 'token').map(({ value }) => value))
    this.#subjects = new Map(
      revocations.filter(({ kind }) => kind === 'subject').map(({ value, at }) => [value, at] as const),
    )
  }

  /**
   * Whether a grant was revoked. A token without `iat` counts as issued before any revocation of its subject; keys are
   * revoked by name elsewhere.
   */
  covers = ({ tokenId, subject, issuedAt, expiresAt }: Grant): boolean => {
    if (tokenId !== null && this.#tokens.has(tokenId)) return true
    const at = subject === null || expiresAt === null ? undefined : this.#subjects.get(subject)
    return at !== undefined && (issuedAt ?? 0) <= at
  }
}
