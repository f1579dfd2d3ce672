import { AppError } from '../platform/errors.ts'
import { jittered, SECOND, sleep } from '../platform/time.ts'
import type { Gap, Ready } from '../protocol/control-events.ts'
import { COMMENT, closingFrame, gapFrame, heartbeatFrame, readyFrame } from '../transports/sse/frame.ts'
import type { ReplayStep } from './replay.ts'

/** Why a connection ended. */
export type CloseReason = 'client' | 'replaced' | 'stalled' | 'shutdown' | 'error'

export interface ConnectionOptions {
  id: string
  clientId: string | null
  /** What the client is told first. */
  ready: Ready
  /** Told right after that. */
  gap: Gap | undefined
  /** Milliseconds that the client waits before it reconnects. */
  retry: number
  /** Milliseconds without an event before a heartbeat. */
  heartbeat: number
  /** Milliseconds without progress before it is closed; `0` never. */
  stallTimeout: number
  /** Position up to which everybody live has been served. */
  position: () => number
  /** What lies after a cursor, up to `position()`. */
  replay: (cursor: number) => ReplayStep | Promise<ReplayStep>
  /** Called when the cursor lies beyond `position()`: wants `advance()` when that has grown. */
  onAhead: () => void
  /** Called when the server ends the stream: the socket need not be waited for if it takes nothing any more. */
  abandon: () => void
  onClose: (reason: CloseReason) => void
  onError: (error: unknown) => void
}

/** Milliseconds after which a connection that catches up lets others have their turn. */
const TIME_SLICE = 5

/**
 * Milliseconds without a byte before a comment. With the interval of the hub's tick, a comment comes at most 4 s after
 * the last byte: the shortest read timeout that is a common default of HTTP clients is 5 s.
 */
export const COMMENT_AFTER = 3 * SECOND

/**
 * One subscriber: a cursor on the log, and a writer.
 *
 * It is either **live**, its cursor moving with everybody's, or **behind** at a cursor of its own. A chunk is offered to
 * it while it is live; if its socket does not take one, nothing is queued: it falls behind, and reads on from its cursor
 * when the socket asks for more. Starting at an old cursor and being slow are the same state.
 *
 *     behind ── cursor reaches position() ──► live
 *     live ──── the socket takes no more ──► behind
 */
export class Connection {
  readonly id: string
  readonly clientId: string | null
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  readonly #options: ConnectionOptions
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>
  /** Own cursor while behind; `undefined` while live. */
  #behindAt: number | undefined
  /** Where the flush under way began, while it is live and the flush has not offered it its chunk. */
  #expectedAt: number | undefined
  #gap: Gap | undefined
  #isAdvancing = false
  /** How often it was moved, so that what was read before is not taken. */
  #jumps = 0
  #isClosed = false
  #hasCaughtUp = false
  /** Of a frame, and of any byte: a comment does not put off a heartbeat. */
  #lastFrame = performance.now()
  #lastByte = performance.now()
  #lastProgress = performance.now()

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.id = options.id
    this.clientId = options.clientId
    this.#behindAt = options.ready.cursor
    this.#gap = options.gap
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          this.#controller = controller
          controller.enqueue(readyFrame(options.ready, options.retry, options.gap?.reason !== 'unknown'))
        },
        pull: () => {
          this.#lastProgress = performance.now()
          return this.advance()
        },
        cancel: () => this.#end('client'),
      },
      // One chunk: Bun asks for the next when the socket has taken it.
      { highWaterMark: 1 },
    )
  }

  get isLive(): boolean {
    return this.#behindAt === undefined
  }

  /** Everything of its channels up to here was handed to the socket. */
  get cursor(): number {
    return this.#behindAt ?? this.#expectedAt ?? this.#options.position()
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
   * Hands the connection what it expects. If the socket is busy it falls behind where the flush began.
   *
   * @param chunk shared with others: not to be changed. `undefined` when the flush has nothing for it after all
   */
  offer(chunk: Uint8Array<ArrayBuffer> | undefined): void {
    const from = this.#expectedAt
    this.#expectedAt = undefined
    if (from === undefined || this.#isClosed || chunk === undefined) return
    if (this.#wantsMore) this.#write(chunk)
    else this.#behindAt = from
  }

  /** Makes the connection go on at `gap.to` and tells the client, before anything else. */
  jump(gap: Gap): void {
    this.#gap = { ...gap, from: this.#gap ? this.#gap.from : gap.from }
    this.#behindAt = gap.to
    this.#expectedAt = undefined
    this.#jumps++
    void this.advance()
  }

  /** While it is behind and the socket takes more: sends what comes after its cursor. */
  async advance(): Promise<void> {
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    let sliceEnd = performance.now() + TIME_SLICE
    try {
      while (this.#behindAt !== undefined && this.#wantsMore) {
        // A long window in which little is for this connection takes many steps without a pause of their own.
        if (performance.now() > sliceEnd) {
          await sleep(0)
          sliceEnd = performance.now() + TIME_SLICE
        }
        const cursor = this.#behindAt
        if (cursor === undefined || this.#isClosed) break
        if (this.#gap) this.#tellGap(this.#gap)
        else if (cursor === this.#options.position()) this.#goLive(cursor)
        else if (cursor > this.#options.position()) return this.#options.onAhead()
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
   * Sends a heartbeat after silence and comments before that, and ends the connection after too long without progress.
   *
   * @param now of `performance.now()`, which no change of the system's clock moves
   * @returns whether something was written
   */
  tick(now: number): boolean {
    const { heartbeat, stallTimeout } = this.#options
    if (this.#wantsMore) {
      if (now - this.#lastFrame >= heartbeat) this.#write(heartbeatFrame(this.cursor, new Date()))
      else if (now - this.#lastByte >= COMMENT_AFTER) this.#enqueue(COMMENT)
      else return false
      return true
    }
    if (stallTimeout > 0 && now - this.#lastProgress >= stallTimeout) this.close('stalled')
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
    try {
      if (reason !== 'client') this.#enqueue(this.#closing(reason, retry))
      this.#controller.close()
      this.#options.abandon()
    } catch {
      // The client was quicker.
    }
  }

  get #wantsMore(): boolean {
    return !this.#isClosed && (this.#controller.desiredSize ?? 0) > 0
  }

  /** The first time, the client is told that it has caught up: its last event may lie far before the cursor. */
  #goLive(cursor: number): void {
    this.#behindAt = undefined
    if (this.#hasCaughtUp) return
    this.#hasCaughtUp = true
    if (cursor > this.#options.ready.cursor) this.#write(heartbeatFrame(cursor, new Date()))
  }

  #tellGap(gap: Gap): void {
    this.#gap = undefined
    this.#write(gapFrame(gap))
  }

  async #step(cursor: number): Promise<void> {
    const jumps = this.#jumps
    const step = await this.#read(cursor)
    // While it was read, the log may have been found to be another one.
    if (!step || this.#isClosed || jumps !== this.#jumps) return
    this.#behindAt = step.cursor
    if (step.gap) this.#write(gapFrame(step.gap))
    if (step.chunk) this.#write(step.chunk)
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

  #closing(reason: Exclude<CloseReason, 'client'>, retry: number): Uint8Array<ArrayBuffer> {
    // A gap that the client has not received yet must not move its cursor.
    const cursor = this.#gap === undefined ? this.cursor : undefined
    return closingFrame({ reason: reason === 'shutdown' ? 'drain' : reason, retry }, cursor)
  }

  #write(frames: Uint8Array<ArrayBuffer>): void {
    this.#enqueue(frames)
    this.#lastFrame = this.#lastByte
  }

  /** The socket wanted more: that it took all before is progress. */
  #enqueue(chunk: Uint8Array<ArrayBuffer>): void {
    this.#lastByte = performance.now()
    this.#lastProgress = this.#lastByte
    this.#controller.enqueue(chunk)
  }

  #end(reason: CloseReason): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.onClose(reason)
  }
}
