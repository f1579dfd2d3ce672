import type { Logger } from '../platform/logger.ts'
import { MINUTE } from '../platform/time.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Hole } from './holes.ts'

/** Holes that are remembered; what is beyond them is not counted. */
const MAX_HOLES = 1000
/** Milliseconds between two lines in the log. */
const LOG_INTERVAL = MINUTE

/**
 * The holes of the log that this instance has come across, for metrics, readiness and the operator. A hole is counted
 * once, however many readers come across it, until retention has dropped what lay around it.
 */
export class LostEvents {
  readonly #logger: Logger
  readonly #telemetry: Pick<Telemetry, 'lostEvents'>
  /** In order, apart from each other. */
  #holes: Hole[] = []
  #total = 0
  #lastLine = Number.NEGATIVE_INFINITY

  constructor(logger: Logger, telemetry: Pick<Telemetry, 'lostEvents'>) {
    this.#logger = logger
    this.#telemetry = telemetry
  }

  /** What is missing, for a person; `undefined` while nothing is known to be. */
  get problem(): string | undefined {
    const [first] = this.#holes
    if (!first) return undefined
    const count = this.#holes.reduce((sum, { from, to }) => sum + to - from, 0)
    return `${count} events are missing from sse.log, from position ${first.from + 1} on; rows were deleted`
  }

  add(hole: Hole): void {
    const touching = this.#holes.filter(({ from, to }) => from <= hole.to && hole.from <= to)
    const merged = {
      from: Math.min(hole.from, ...touching.map(({ from }) => from)),
      to: Math.max(hole.to, ...touching.map(({ to }) => to)),
    }
    const added = merged.to - merged.from - touching.reduce((sum, { from, to }) => sum + to - from, 0)
    if (added === 0 || (touching.length === 0 && this.#holes.length >= MAX_HOLES)) return
    this.#holes = [...this.#holes.filter((known) => !touching.includes(known)), merged]
    this.#holes.sort((left, right) => left.from - right.from)
    this.#total += added
    this.#telemetry.lostEvents(added)
    this.#log(hole)
  }

  /** Forgets what lies before the oldest event that is kept. */
  forget(oldest: number): void {
    if (this.#holes[0] && this.#holes[0].to < oldest) this.#holes = this.#holes.filter(({ to }) => to >= oldest)
  }

  #log(hole: Hole): void {
    const now = performance.now()
    if (now - this.#lastLine < LOG_INTERVAL) return
    this.#lastLine = now
    this.#logger.error(
      { ...hole, total: this.#total },
      'events are missing from sse.log: rows were deleted by hand; readers receive a gap',
    )
  }
}
