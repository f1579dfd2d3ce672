import { AppError } from '../platform/errors.ts'
import { jittered, SECOND, sleep } from '../platform/time.ts'
import type { Gap } from '../protocol/control-events.ts'
import { formatCursor } from '../protocol/cursor.ts'
import type { CloseReason } from '../telemetry/telemetry.ts'
import type { CursorOptions } from './cursor-options.ts'
import type { Chunk, Encoding } from './encoding.ts'
import { Liveness } from './liveness.ts'
import type { ReplayStep } from './replay.ts'
import type { Selection } from './selection.ts'

/**
 * One subscriber: a position in the log, and a sink to write to.
 *
 * It is either **live**, moving with all others, or **behind** at a position of its own. A chunk is offered to it while it is
 * live; if its sink does not take the chunk, nothing is queued: it falls behind, and reads from its position when the sink
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
  #selection: Selection
  /** Own position while behind; `undefined` while live. */
  #behindAt: number | undefined
  /** Where the flush under way began, while the cursor is live and was not offered its chunk yet. */
  #expectedAt: number | undefined
  readonly #liveness: Liveness
  #gap: Gap | undefined
  /** End of the token, in milliseconds since the Unix epoch, while the client is still to be warned of it. */
  #expiresAt: number | undefined
  #isAdvancing = false
  /** How often it jumped or was given another selection: what was read before is dropped. */
  #turns = 0
  #isClosed = false
  #hasCaughtUp = false

  constructor(options: CursorOptions) {
    this.#options = options
    this.id = options.id
    this.clientId = options.clientId
    this.isProxied = options.isProxied ?? false
    this.#selection = options.selection
    this.#behindAt = options.start
    this.#gap = options.gap
    this.#liveness = new Liveness(options.heartbeat, options.stallTimeout)
    const { sink, encoding, ready, retry, gap } = options
    sink.write(encoding.ready(ready, retry, gap?.reason !== 'unknown'))
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get isLive(): boolean {
    return this.#behindAt === undefined
  }

  /** What it follows. */
  get selection(): Selection {
    return this.#selection
  }

  get encoding(): Encoding {
    return this.#options.encoding
  }

  /** The cursor with which the client may resume; `undefined` while a gap is due, which must not be passed over. */
  get resumption(): string | undefined {
    return this.#gap === undefined ? this.#cursorAt(this.position) : undefined
  }

  /** Everything of its channels up to here was handed to the sink. */
  get position(): number {
    return this.#behindAt ?? this.#expectedAt ?? this.#options.served()
  }

  /**
   * Announces that a flush which began at `from` has events for it. `offer` follows in the same event-loop turn or in a later
   * one.
   *
   * @returns whether it is live; a cursor that is behind reads the events by itself
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

  /** Moves the cursor to `gap.to`, and sends the gap before anything else. */
  jump(gap: Gap): void {
    this.#gap = { ...gap, from: this.#gap ? this.#gap.from : gap.from }
    this.#behindAt = gap.to
    this.#expectedAt = undefined
    this.#turns++
    void this.advance()
  }

  /**
   * Follows another selection from its position on. What was on its way of the earlier one, the chunk of a flush or a read, is
   * dropped, and read again: only the hub knows to whose audience the cursor belongs, and calls it.
   */
  follow(selection: Selection): void {
    this.#selection = selection
    this.#behindAt ??= this.#expectedAt
    this.#expectedAt = undefined
    this.#turns++
    void this.advance()
  }

  /**
   * Warns the client that its token expires, when the sink takes it.
   *
   * @param expiresAt milliseconds since the Unix epoch; `undefined` when the token was renewed: a warning that was not written
   * yet is dropped
   */
  warnOfExpiry(expiresAt: number | undefined): void {
    this.#expiresAt = expiresAt
    void this.advance()
  }

  /** The sink wants more: called by its transport. */
  resume(): Promise<void> {
    this.#liveness.progressed()
    return this.advance()
  }

  /** The client has disconnected: called by its transport. */
  leave(): void {
    this.#end('client')
  }

  /** While the sink takes more: sends a warning that is due, and while it is behind, what comes after its position. */
  async advance(): Promise<void> {
    if (this.#isAdvancing) return
    if (this.isLive) return this.#writeWarning()
    this.#isAdvancing = true
    try {
      while (this.#behindAt !== undefined && this.#wantsMore) {
        // A long window with few events for this cursor takes many steps, and many cursors catch up at once; none pauses by itself.
        const turn = this.#options.turn()
        if (turn) await turn
        const cursor = this.#behindAt
        if (cursor === undefined || !this.#wantsMore) break
        if (this.#gap) this.#sendGap(this.#gap)
        else if (this.#expiresAt !== undefined) this.#writeWarning()
        else if (cursor === this.#options.served()) this.#goLive(cursor)
        else if (cursor > this.#options.served()) return this.#options.onAhead()
        else await this.#step(cursor)
      }
    } catch (error) {
      this.fail(error)
    } finally {
      this.#isAdvancing = false
    }
  }

  /**
   * Sends a heartbeat (or the gap that is due) after silence and comments before that, and ends the stream after too long without progress.
   *
   * @param now of `performance.now()`
   * @returns whether something was written
   */
  tick(now: number): boolean {
    const { encoding } = this.#options
    switch (this.#liveness.due(now, this.#wantsMore)) {
      case 'heartbeat':
        // The ID of a heartbeat would move the client past a gap that it has not received.
        if (this.#gap) this.#sendGap(this.#gap)
        else this.#write(encoding.heartbeat(this.#cursorAt(this.position), new Date()))
        return true
      case 'comment':
        if (!encoding.comment) return false
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
    this.#options.sink.close(reason === 'client' ? undefined : this.#closing(reason, retry), reason)
  }

  /** Ends the stream for a failure of the server, which is logged. */
  fail(error: unknown): void {
    this.#options.onError(error)
    this.close('error')
  }

  get #wantsMore(): boolean {
    return !this.#isClosed && this.#options.sink.wantsMore
  }

  /** The first time, a heartbeat reports that the client has caught up: its last event may be far before the cursor. */
  #goLive(cursor: number): void {
    this.#behindAt = undefined
    if (this.#hasCaughtUp) return
    this.#hasCaughtUp = true
    if (cursor > this.#options.start) this.#write(this.#options.encoding.heartbeat(this.#cursorAt(cursor), new Date()))
  }

  #sendGap(gap: Gap): void {
    this.#gap = undefined
    this.#writeGap(gap)
  }

  #writeWarning(): void {
    if (this.#expiresAt === undefined || !this.#wantsMore) return
    const expiresAt = new Date(this.#expiresAt).toISOString()
    this.#expiresAt = undefined
    this.#write(this.#options.encoding.authExpiring({ expiresAt }, this.#cursorAt(this.position)))
  }

  async #step(cursor: number): Promise<void> {
    const turns = this.#turns
    const step = await this.#read(cursor)
    // During the read, the log may have turned out to be another one, or the selection may have changed.
    if (!step || this.#isClosed || turns !== this.#turns) return
    this.#behindAt = step.cursor
    if (step.gap) this.#writeGap(step.gap)
    if (!step.chunk) return
    this.#write(step.chunk)
    this.#options.onReplayed(step.events, step.chunk.byteLength)
  }

  /** While Postgres is unavailable, its events can wait: the client still gets its heartbeats. */
  async #read(cursor: number): Promise<ReplayStep | undefined> {
    try {
      return await this.#options.replay(cursor, this.#selection)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      await sleep(jittered(SECOND / 2))
      return undefined
    }
  }

  #closing(reason: Exclude<CloseReason, 'client'>, retry: number): Chunk {
    return this.#options.encoding.closing({ reason: reason === 'shutdown' ? 'drain' : reason, retry }, this.resumption)
  }

  #cursorAt(position: number): string {
    return formatCursor(position, this.#options.epoch())
  }

  #writeGap(gap: Gap): void {
    this.#write(this.#options.encoding.gap(gap, this.#cursorAt(gap.to)))
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
