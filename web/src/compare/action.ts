/** What is done to the lanes, or happens to them. */
export type ActionKind = 'burst' | 'cut' | 'end' | 'outage' | 'hidden'

/** Milliseconds after which a lane counts as late for good: more than the longest wait of a client between two attempts. */
export const PATIENCE = 45_000

/** What a ledger says at a moment. */
export interface LedgerCounts {
  missing: number
  duplicated: number
  reordered: number
}

/** What an action has shown on one lane so far. */
export interface Outcome extends LedgerCounts {
  /** Events that were published during the action. */
  events: number
  /** Those of them that have not arrived yet. */
  left: number
  /** Milliseconds from the end of the action until the lane had all of them; `undefined` while it has not. */
  recovery: number | undefined
  /** The largest latency of an event of the action, in milliseconds. */
  slowest: number
}

/** One action, and what it shows on each lane. Times are milliseconds since the epoch. */
export class Action {
  readonly kind: ActionKind
  readonly startedAt: number
  /** When it ends by itself; `undefined` when something else ends it. */
  readonly endsAt: number | undefined
  readonly #first: number
  /** How many numbers there were when it ended. */
  #through: number | undefined
  #overAt = 0
  #lanes = new Map<string, LaneProgress>()

  /** @param first number that is published from now on @param duration milliseconds; `undefined` when something else ends it */
  constructor(kind: ActionKind, now: number, first: number, duration?: number) {
    this.kind = kind
    this.startedAt = now
    this.endsAt = duration === undefined ? undefined : now + duration
    this.#first = first
  }

  /** Whether it is under way. */
  get isRunning(): boolean {
    return this.#through === undefined
  }

  /** Whether an event that arrives now was on its way during the action: its latency is not the lane's usual one. */
  delays(latency: number, now: number): boolean {
    return this.isRunning || now - latency <= this.#overAt
  }

  /** A lane takes part, with what its ledger says before. */
  join(lane: string, before: LedgerCounts, highest: number): void {
    this.#lanes.set(lane, { before, highest, doneAt: undefined, doneWith: undefined, slowest: 0 })
  }

  /** It is over. @param sent how many numbers there are now: each lane is waited for until it has them */
  end(now: number, sent: number): void {
    if (!this.isRunning) return
    this.#through = sent
    this.#overAt = now
    for (const progress of this.#lanes.values()) this.#settle(progress, now)
  }

  /** A number arrived on a lane. @param latency milliseconds */
  arrived(lane: string, n: number, latency: number, now: number): void {
    const progress = this.#lanes.get(lane)
    if (!progress) return
    progress.highest = Math.max(progress.highest, n)
    if (n >= this.#first && n < (this.#through ?? Number.POSITIVE_INFINITY)) {
      progress.slowest = Math.max(progress.slowest, latency)
    }
    this.#settle(progress, now)
  }

  /** Whether nothing more is to be learned: all lanes are complete, or out of time. */
  isSettled(now: number): boolean {
    if (this.isRunning) return false
    return now - this.#overAt > PATIENCE || [...this.#lanes.values()].every(({ doneAt }) => doneAt !== undefined)
  }

  /** What it shows on a lane. @param after what the lane's ledger says now */
  outcomeOf(lane: string, after: LedgerCounts, sent: number): Outcome | undefined {
    const progress = this.#lanes.get(lane)
    if (!progress) return undefined
    const { before, doneAt, slowest, highest } = progress
    const through = this.#through ?? sent
    // What is counted later belongs to what is done later.
    if (doneAt !== undefined) progress.doneWith ??= after
    const counts = progress.doneWith ?? after
    return {
      events: through - this.#first,
      left: Math.min(through - this.#first, Math.max(0, through - 1 - highest)),
      missing: counts.missing - before.missing,
      duplicated: counts.duplicated - before.duplicated,
      reordered: counts.reordered - before.reordered,
      recovery: doneAt === undefined ? undefined : Math.max(0, doneAt - this.#overAt),
      slowest,
    }
  }

  #settle(progress: LaneProgress, now: number): void {
    if (this.#through === undefined || progress.doneAt !== undefined) return
    if (progress.highest >= this.#through - 1) progress.doneAt = now
  }
}

interface LaneProgress {
  before: LedgerCounts
  highest: number
  doneAt: number | undefined
  doneWith: LedgerCounts | undefined
  slowest: number
}
