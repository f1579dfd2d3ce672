import { Publications } from '../../../server/protocol/ledger.ts'
import { Action, type ActionKind } from './action.ts'
import { BreakableNetwork } from './breakable-network.ts'
import { measuredConnections } from './connections.ts'
import { type Figures, figuresOf, type LaneFigures } from './figures.ts'
import { KINDS } from './kinds.ts'
import { Lane } from './lane.ts'
import { Publisher, type Trouble } from './publisher.ts'
import { Reachability } from './reachability.ts'
import { headlineOf, verdictOf } from './verdict.ts'
import { observeRequests, WireMeter } from './wire-meter.ts'

/** Milliseconds of the actions that end by themselves. */
export const DISRUPTION = 5000
/** Least events a second while something is broken: without events, nothing is proved. */
const EVIDENCE_RATE = 10
/** Actions that a lane recovers from. */
const BREAKS: readonly ActionKind[] = ['cut', 'end', 'outage']
/** Events a second at first. */
export const FIRST_RATE = 20

/** The same numbered events over every transport, one publisher, and one action at a time. */
export class CompareSession {
  readonly #network = new BreakableNetwork()
  readonly #publications = new Publications()
  readonly #reachability = new Reachability()
  readonly #publisher: Publisher
  readonly #stopObserving: () => void
  readonly #startedAt = performance.now()
  #rate = FIRST_RATE
  #action: Action | undefined
  #recoveries = new Map<string, number>()
  #trouble: Trouble | undefined
  readonly lanes: readonly Lane[]

  /**
   * @param channel of its own
   * @param after cursor at which all lanes begin
   * @param connections opens the connections of a lane. Defaults to `measuredConnections`
   */
  constructor(channel: string, after: string, connections = measuredConnections) {
    this.lanes = KINDS.map((kind) => {
      const meter = new WireMeter()
      const lane: Lane = new Lane({
        kind,
        channel,
        after,
        publications: this.#publications,
        meter,
        connect: this.#network.over(connections(kind.id, meter)),
        onArrival: (n, latency) => this.#onArrival(lane, n, latency),
      })
      return lane
    })
    this.#stopObserving = observeRequests(channel, (timing, isWaiting) => {
      this.lanes.find(({ kind }) => kind.id === (isWaiting ? 'long-poll' : 'poll'))?.meter.ended(timing)
    })
    this.#publisher = new Publisher({
      channel,
      publications: this.#publications,
      onTrouble: (trouble) => {
        this.#trouble = trouble
      },
      onPublished: () => this.#onPublished(),
    })
    this.#publisher.rate = FIRST_RATE
  }

  /** Whether an action is under way. */
  get isBusy(): boolean {
    return this.#action?.isRunning ?? false
  }

  /** Publishes this many events a second from now on. */
  setRate(rate: number): void {
    this.#rate = rate
    this.#adjustRate()
  }

  /** Publishes events at once. */
  burst(count: number): void {
    this.begin('burst')
    this.#publisher.burst(count)
  }

  /** Takes the network from all lanes for five seconds. */
  cut(): void {
    this.begin('cut', DISRUPTION)
    this.#network.cut()
  }

  /** Something is done to the lanes from now on. @param duration milliseconds; without it, `end` ends it */
  begin(kind: ActionKind, duration?: number): void {
    if (this.#network.isCut) this.#restore()
    const action = new Action(kind, Date.now(), this.#publications.sent, duration)
    for (const lane of this.lanes) action.join(lane.kind.id, this.#countsOf(lane), lane.highest)
    this.#action = action
    this.#adjustRate()
  }

  /** What is done is over; of another kind than the one under way, it is ignored. */
  end(kind: ActionKind): void {
    if (this.#action?.kind !== kind || !this.#action.isRunning) return
    this.#action.end(Date.now(), this.#publications.sent)
    this.#adjustRate()
  }

  /** Ends what is due. Call it a few times a second. */
  tick(): void {
    const now = Date.now()
    const action = this.#action
    if (action?.isRunning && action.endsAt !== undefined && now >= action.endsAt) {
      this.end(action.kind)
      if (this.#network.isCut) this.#restore()
    }
    this.#watchServer(now)
  }

  /** Closes every connection and publishes nothing more. */
  close(): void {
    this.#publisher.close()
    this.#stopObserving()
    for (const lane of this.lanes) lane.close()
  }

  /** The figures as they are now. */
  figures(): Figures {
    const now = Date.now()
    const lanes = this.lanes.map((lane) => this.#figuresOf(lane, now))
    const action = this.#action
    const verdicts = lanes.flatMap(({ verdict }) => verdict ?? [])
    return {
      lanes,
      sent: this.#publications.sent,
      elapsed: performance.now() - this.#startedAt,
      trouble: this.#trouble?.text ?? '',
      isOver: this.#trouble?.kind === 'refused',
      isBusy: this.isBusy,
      action: action?.kind,
      left: action?.isRunning && action.endsAt !== undefined ? Math.max(0, action.endsAt - now) : undefined,
      headline: action && headlineOf(action, verdicts, now),
    }
  }

  #watchServer(now: number): void {
    // Without a network, the lanes say nothing about the server.
    if (this.#network.isCut) return
    this.#reachability.update(
      this.lanes.map(({ state }) => state.name),
      now,
    )
    if (this.#reachability.isUp && this.#trouble?.kind !== 'unreachable') this.end('outage')
    else if (this.#reachability.isLost(now) && !this.isBusy) this.begin('outage')
  }

  #adjustRate(): void {
    const isEvidence = this.isBusy && this.#action?.kind !== 'burst'
    this.#publisher.rate = isEvidence ? Math.max(EVIDENCE_RATE, this.#rate) : this.#rate
  }

  #restore(): void {
    this.#network.restore()
    for (const lane of this.lanes) lane.reconnect()
  }

  #onPublished(): void {
    for (const { arrivals } of this.lanes) arrivals.publish(this.#publications.sent)
    if (this.#publisher.left === 0) this.end('burst')
  }

  #onArrival(lane: Lane, n: number, latency: number): void {
    const now = Date.now()
    this.#action?.arrived(lane.kind.id, n, latency, now)
    if (!this.#action?.delays(latency, now)) lane.latencies.record(latency)
  }

  #countsOf = ({ ledger }: Lane) => ({
    missing: ledger.overdue(this.#publications),
    duplicated: ledger.duplicated,
    reordered: ledger.reordered,
  })

  #figuresOf(lane: Lane, now: number): LaneFigures {
    const { id } = lane.kind
    const counts = this.#countsOf(lane)
    const time = performance.now()
    const figures = figuresOf(lane, counts, time - this.#startedAt, time)
    const action = this.#action
    const outcome = action?.outcomeOf(id, counts, this.#publications.sent)
    if (action && outcome?.recovery !== undefined && BREAKS.includes(action.kind)) {
      // The server ends connections one after the other: what counts is how late events became.
      this.#recoveries.set(id, action.kind === 'end' ? outcome.slowest : outcome.recovery)
    }
    return {
      ...figures,
      state: this.#network.isCut ? 'offline' : figures.state,
      verdict: action && outcome && verdictOf(action.kind, action.isRunning, action.isSettled(now), outcome),
      recovery: this.#recoveries.get(id),
    }
  }
}
