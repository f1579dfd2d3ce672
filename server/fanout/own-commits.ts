import type { Commit } from '../log/commit.ts'
import { sleep } from '../platform/time.ts'

/** Commits that wait; what comes beyond it is read. */
const MAX_WAITING = 16
/** Milliseconds that a notification waits for the response to an append, which is usually on its way at the same moment. */
const RESPONSE_PATIENCE = 5

/** What this instance has appended and the feed has not delivered yet. */
export class OwnCommits {
  readonly #onCommit: () => void
  readonly #waiting: Commit[] = []
  #underWay = 0
  #settled = Promise.withResolvers<void>()

  /** @param onCommit called when there is one */
  constructor(onCommit: () => void) {
    this.#onCommit = onCommit
  }

  /** The oldest that waits; `undefined` when none does. */
  get first(): Commit | undefined {
    return this.#waiting[0]
  }

  /** Position of the newest event of those that wait; `0` when none does. */
  get reach(): number {
    return this.#waiting.reduce((reach, { position, events }) => Math.max(reach, position + events.length), 0)
  }

  /** An append that has begun. One that fails, or of which nothing can be taken, has no effect. */
  add(append: Promise<Commit | undefined>): void {
    this.#underWay++
    const settle = (commit?: Commit) => {
      this.#underWay--
      this.#settled.resolve()
      this.#settled = Promise.withResolvers()
      if (commit) this.#push(commit)
    }
    append.then(settle, () => settle())
  }

  /** Drops the oldest, which was delivered or will be read. */
  drop(): void {
    this.#waiting.shift()
  }

  /** Resolves when an append has ended, or has not for a few milliseconds; at once while none is under way. */
  async untilSettled(): Promise<void> {
    if (this.#underWay === 0 || this.first) return
    const timeout = new AbortController()
    await Promise.race([this.#settled.promise, sleep(RESPONSE_PATIENCE, timeout.signal)])
    timeout.abort()
  }

  #push(commit: Commit): void {
    if (this.#waiting.length >= MAX_WAITING) return
    this.#waiting.push(commit)
    this.#onCommit()
  }
}
