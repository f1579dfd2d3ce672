import { AppError } from '../platform/errors.ts'
import { checkSubscribe } from './actor.ts'
import type { Grant } from './grant.ts'
import type { Lease } from './leases.ts'
import type { TokenGrants } from './token-grants.ts'

/** What a stream holds while it is open. */
export class StreamLease {
  readonly #lease: Lease
  readonly #check: (grant: Grant) => void
  readonly #grantOfToken: TokenGrants | undefined

  /**
   * @param check whether a grant holds now. @throws {AppError} what `StreamLeases.check` throws
   * @param grantOfToken `undefined` where the server accepts no tokens
   */
  constructor(lease: Lease, check: (grant: Grant) => void, grantOfToken: TokenGrants | undefined) {
    this.#lease = lease
    this.#check = check
    this.#grantOfToken = grantOfToken
  }

  /** The present one: it may have been renewed. */
  get grant(): Grant {
    return this.#lease.grant
  }

  /** The stream follows other patterns from now on, which the grant covers. */
  follow(patterns: readonly string[]): void {
    this.#lease.follow(patterns)
  }

  /**
   * Gives the stream the grant of another token, which must be of the same subject, not of a key with its name, and cover what the stream follows.
   *
   * @throws {AppError} `session.unavailable` where the server accepts no tokens; what `TokenGrants` and `StreamLeases.check`
   * throw; `token.subject`, `access.denied` (403). The stream then keeps the grant that it has
   */
  async renew(token: string): Promise<void> {
    if (!this.#grantOfToken) throw noTokens()
    const grant = await this.#grantOfToken(token)
    this.#check(grant)
    if (grant.user !== this.grant.user) throw otherSubject()
    checkSubscribe({ grant }, this.#lease.patterns)
    this.#lease.renew(grant, Date.now())
  }

  /** The stream has ended. */
  release(): void {
    this.#lease.release()
  }
}

const noTokens = () => new AppError('session.unavailable', 'This server accepts no tokens: there is nothing to renew.')

const otherSubject = () =>
  new AppError('token.subject', 'The token is of another subject than the stream: open another one with it.', {
    status: 403,
  })
