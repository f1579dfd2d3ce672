import { AppError } from '../platform/errors.ts'
import { jittered, SECOND, sleep } from '../platform/time.ts'
import type { Gap, Ready } from '../protocol/control-events.ts'
import type { CloseReason } from '../telemetry/telemetry.ts'
import type { Chunk, Encoding } from './encoding.ts'
import { Liveness } from './liveness.ts'
import type { ReplayStep } from './replay.ts'
import type { Sink } from './sink.ts'

/** Of one subscriber. */
export interface CursorOptions {
  id: string
  clientId: string | null
  /** See `Subscription`. */
  isProxied?: boolean
  sink: Sink
  encoding: Encoding
  /** The first message. */
  ready: Ready
  /** Follows right after that. */
  gap: Gap | undefined
  /** Milliseconds that the client waits before it reconnects. */
  retry: number
  /** Milliseconds without an event before a heartbeat. */
  heartbeat: number
  /** Milliseconds without progress before it is closed; `0` never. */
  stallTimeout: number
  /** Position up to which every live cursor has been served. */
  served: () => number
  /** What comes after a cursor, up to `served()`. */
  replay: (cursor: number) => ReplayStep | Promise<ReplayStep>
  /** Events of a replay were handed to the sink. */
  onReplayed: (events: number, bytes: number) => void
  /** Called when the cursor is beyond `served()`: call `advance()` when that has grown. */
  onAhead: () => void
  onClose: (reason: CloseReason) => void
  onError: (error: unknown) => void
}

/** Milliseconds after which a cursor that catches up yields to the event loop. */
const TIME_SLICE = 5

/**
 * One subscriber: a position in the log, and a sink to write to.
 *
 * It is either **live**, moving with all others, or **behind** at a position of its own. A chunk is offered to it while it is
 * live; if its sink does not take one, nothing is queued: it falls behind, and reads on from its position when the sink
 * wants more. Starting at an old position and being slow are the same state.
 *
 *     behind ── position reaches served() ──► live
 *     live ──── the sink takes no more ────► behind
 */
export class Cursor {
  readonly id: string
  readonly clientId: string | null
  readonly isProxied: boolean
  readonly #options: CursorOptions
  /** Own position while behind; `undefined` while live. */
  #behindAt: number | undefined
  /** Where the flush under way began, while it is live and the flush has not offered it its chunk. */
  #expectedAt: number | undefined
  readonly #liveness: Liveness
  #gap: Gap | undefined
  #isAdvancing = false
  /** How often it was moved, so that what was read before is not taken. */
  #jumps = 0
  #isClosed = false
  #hasCaughtUp = false

  constructor(options: CursorOptions) {
    this.#options = options
    this.id = options.id
    this.clientId = options.clientId
    this.isProxied = options.isProxied ?? false
    this.#behindAt = options.ready.cursor
    this.#gap = options.gap
    this.#liveness = new Liveness(options.heartbeat, options.stallTimeout)
    const { sink, encoding, ready, retry, gap } = options
    sink.write(encoding.ready(ready, retry, gap?.reason !== 'unknown'))
  }

  get isLive(): boolean {
    return this.#behindAt === undefined
  }

  /** Everything of its channels up to here was handed to the sink. */
  get position(): number {
    return this.#behindAt ?? this.#expectedAt ?? this.#options.served()
  }

  /**
   * Says that a flush which began at `from` has events for it, which `offer` brings in this turn of the event loop or in a
   * later one.
   *
   * @returns whether it is live; one that is behind reads them by itself
   */
  expect(from: number): boolean {
    if (!this.isLive || this.#isClosed) return false
    this.#expectedAt = from
    return true
  }

  /**
   * Hands the cursor what it expects. If the sink is busy it falls behind where the flush began.
   *
   * @param chunk shared with other cursors: not to be changed. `undefined` when the flush has nothing for it after all
   * @returns whether the sink was given the chunk
   */
  offer(chunk: Chunk | undefined): boolean {
    const from = this.#expectedAt
    this.#expectedAt = undefined
    if (from === undefined || this.#isClosed || chunk === undefined) return false
    if (this.#wantsMore) {
      this.#write(chunk)
      return true
    }
    this.#behindAt = from
    return false
  }

  /** Makes the cursor go on at `gap.to`, and sends the gap before anything else. */
  jump(gap: Gap): void {
    this.#gap = { ...gap, from: this.#gap ? this.#gap.from : gap.from }
    this.#behindAt = gap.to
    this.#expectedAt = undefined
    this.#jumps++
    void this.advance()
  }

  /** The sink wants more: for its transport to call. */
  resume(): Promise<void> {
    this.#liveness.progressed()
    return this.advance()
  }

  /** The client has left: for its transport to call. */
  leave(): void {
    this.#end('client')
  }

  /** While it is behind and the sink takes more: sends what comes after its position. */
  async advance(): Promise<void> {
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    let sliceEnd = performance.now() + TIME_SLICE
    try {
      while (this.#behindAt !== undefined && this.#wantsMore) {
        // A long window in which little is for this cursor takes many steps without a pause of their own.
        if (performance.now() > sliceEnd) {
          await sleep(0)
          sliceEnd = performance.now() + TIME_SLICE
        }
        const cursor = this.#behindAt
        if (cursor === undefined || this.#isClosed) break
        if (this.#gap) this.#sendGap(this.#gap)
        else if (cursor === this.#options.served()) this.#goLive(cursor)
        else if (cursor > this.#options.served()) return this.#options.onAhead()
        else await this.#step(cursor)
      }
    } catch (error) {
      this.#options.onError(error)
      this.close('error')
    } finally {
      this.#isAdvancing = false
    }
  }

  /**
   * Sends a heartbeat after silence and comments before that, and ends the stream after too long without progress.
   *
   * @param now of `performance.now()`
   * @returns whether something was written
   */
  tick(now: number): boolean {
    const { encoding } = this.#options
    switch (this.#liveness.due(now, this.#wantsMore)) {
      case 'heartbeat':
        this.#write(encoding.heartbeat(this.position, new Date()))
        return true
      case 'comment':
        this.#liveness.wrote('comment')
        this.#options.sink.write(encoding.comment)
        return true
      case 'stalled':
        this.close('stalled')
    }
    return false
  }

  /**
   * Ends the stream; unless it was the client that ended it, `closing` comes last.
   *
   * @param retry milliseconds that the client waits before it reconnects. Defaults to what `ready` said
   */
  close(reason: CloseReason, retry = this.#options.retry): void {
    if (this.#isClosed) return
    this.#end(reason)
    this.#options.sink.close(reason === 'client' ? undefined : this.#closing(reason, retry))
  }

  get #wantsMore(): boolean {
    return !this.#isClosed && this.#options.sink.wantsMore
  }

  /** The first time, the client is told that it has caught up: its last event may lie far before the cursor. */
  #goLive(cursor: number): void {
    this.#behindAt = undefined
    if (this.#hasCaughtUp) return
    this.#hasCaughtUp = true
    if (cursor > this.#options.ready.cursor) this.#write(this.#options.encoding.heartbeat(cursor, new Date()))
  }

  #sendGap(gap: Gap): void {
    this.#gap = undefined
    this.#write(this.#options.encoding.gap(gap))
  }

  async #step(cursor: number): Promise<void> {
    const jumps = this.#jumps
    const step = await this.#read(cursor)
    // While it was read, the log may have been found to be another one.
    if (!step || this.#isClosed || jumps !== this.#jumps) return
    this.#behindAt = step.cursor
    if (step.gap) this.#write(this.#options.encoding.gap(step.gap))
    if (!step.chunk) return
    this.#write(step.chunk)
    this.#options.onReplayed(step.events, step.chunk.byteLength)
  }

  /** While Postgres is away, what it holds can wait: the client still gets its heartbeats. */
  async #read(cursor: number): Promise<ReplayStep | undefined> {
    try {
      return await this.#options.replay(cursor)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      await sleep(jittered(SECOND / 2))
      return undefined
    }
  }

  #closing(reason: Exclude<CloseReason, 'client'>, retry: number): Chunk {
    // A gap that the client has not received yet must not move its cursor.
    const cursor = this.#gap === undefined ? this.position : undefined
    return this.#options.encoding.closing({ reason: reason === 'shutdown' ? 'drain' : reason, retry }, cursor)
  }

  #write(frame: Chunk): void {
    this.#liveness.wrote('frame')
    this.#options.sink.write(frame)
  }

  #end(reason: CloseReason): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.onClose(reason)
  }
}
