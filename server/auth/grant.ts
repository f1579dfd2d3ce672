/** What a grant is for: `operator` sees and manages what belongs to all users; `user` only their own. */
export type Role = 'user' | 'operator'

/** What the sender of a request may do, and until when. */
export interface Grant {
  /** `sub` of the token, or the name of the key; `null` for an anonymous sender. */
  subject: string | null
  /**
   * The subject as one token of a channel (`escapeToken`): `alice` in `orders.alice.17`. Of a key `%key:` and its name, so that no
   * token's user is the same: what belongs to somebody, and what is counted for them, goes by this.
   */
  user: string
  /** Patterns of the channels that may be read: a requested pattern must lie within one of them. */
  subscribe: readonly string[]
  /** Patterns of the channels that may be published to. */
  publish: readonly string[]
  role: Role
  /** `jti` of the token, by which it can be revoked; `null` when it has none. */
  tokenId: string | null
  /** `iat` in milliseconds since the Unix epoch; `null` when unknown. */
  issuedAt: number | null
  /** `exp` in milliseconds since the Unix epoch; `null` for a grant that does not expire. */
  expiresAt: number | null
}
