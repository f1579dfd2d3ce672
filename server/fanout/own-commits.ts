import type { Commit } from '../log/commit.ts'
import { sleep } from '../platform/time.ts'

/** Commits that wait to be taken; what comes beyond it is read. */
const MAX_WAITING = 16
/** Milliseconds that a notification waits for the response to an append, which is usually on its way at the same moment. */
const RESPONSE_PATIENCE = 5

/** What this instance has appended and the feed has not delivered yet. */
export class OwnCommits {
  readonly #onCommit: () => void
  readonly #waiting: Commit[] = []
  #underWay = 0
  #settled = Promise.withResolvers<void>()
  #reach = 0

  /** @param onCommit called when there is one to take */
  constructor(onCommit: () => void) {
    this.#onCommit = onCommit
  }

  /** Position up to which commits were or will be taken. */
  get reach(): number {
    return this.#reach
  }

  /** Whether one can be taken. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0
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

  /** Takes the oldest. */
  take(): Commit | undefined {
    return this.#waiting.shift()
  }

  /** Resolves when an append has ended, or has not for a few milliseconds; at once while none is under way. */
  async untilSettled(): Promise<void> {
    if (this.#underWay === 0 || !this.isEmpty) return
    const timeout = new AbortController()
    await Promise.race([this.#settled.promise, sleep(RESPONSE_PATIENCE, timeout.signal)])
    timeout.abort()
  }

  #push(commit: Commit): void {
    if (this.#waiting.length >= MAX_WAITING) return
    this.#waiting.push(commit)
    this.#reach = Math.max(this.#reach, commit.position + commit.events.length)
    this.#onCommit()
  }
}
