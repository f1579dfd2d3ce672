import { jittered } from '../platform/time.ts'
import { Turns } from '../platform/turns.ts'
import type { Closing, Gap } from '../protocol/control-events.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import type { Transport } from '../protocol/transport.ts'
import type { CloseReason } from '../telemetry/telemetry.ts'
import type { Audience } from './audience.ts'
import { Audiences } from './audiences.ts'
import { type Capacity, createCapacity } from './capacity.ts'
import type { Cursor } from './cursor.ts'
import { Drain } from './drain.ts'
import { Flusher } from './flusher.ts'
import { Heartbeats } from './heartbeats.ts'
import { OpenCursors } from './open-cursors.ts'
import { type QuotaLimits, Quotas } from './quotas.ts'
import type { RecentEvents } from './recent-events.ts'
import { Router } from './router.ts'
import type { Selection } from './selection.ts'
import { type CursorDefaults, createCursor, type Subscription, type SubscriptionRequest } from './subscription.ts'

/** What a hub works with, and its settings. */
export interface HubOptions extends CursorDefaults {
  recent: RecentEvents
  /** Least milliseconds between two flushes. */
  flushInterval: number
  /** Streams that may be open at once. */
  maxConnections: number
  /** Streams that a subject or an address may have open at once. Defaults to any number. */
  quotas?: QuotaLimits
}

/** How much longer than usual a client waits whose stream was refused. */
const REFUSED_FACTOR = 3

const NO_OWNER = { subject: null, address: '' }

/**
 * Gives every event to the streams that selected its channel.
 *
 * **Nobody waits for a client**: a flush offers each audience its chunk and continues; a stream that can't take it falls
 * behind and reads from its own position.
 */
export class Hub {
  readonly #options: HubOptions
  readonly #audiences: Audiences
  readonly #cursors = new OpenCursors()
  readonly #capacity: Capacity
  readonly #quotas: Quotas
  readonly #router: Router<Audience>
  readonly #flusher: Flusher
  readonly #heartbeats: Heartbeats
  readonly #drain: Drain
  /** Streams that are opened or moved, and those that catch up. */
  readonly #changes = new Turns()
  readonly #steps = new Turns()
  #nextId = 1
  #isDraining = false

  constructor(options: HubOptions) {
    const { recent, telemetry, flushInterval, heartbeat, retry, maxConnections } = options
    this.#options = options
    this.#audiences = new Audiences(recent, telemetry)
    this.#capacity = createCapacity(maxConnections)
    this.#quotas = new Quotas(options.quotas ?? { perSubject: 0, perAddress: 0 })
    this.#router = new Router(recent.head, (channel) => this.#audiences.match(channel))
    this.#flusher = new Flusher({
      router: this.#router,
      interval: flushInterval,
      onFlushed: () => this.#cursors.wakeWaiting(),
    })
    this.#heartbeats = new Heartbeats({ heartbeat, cursors: () => this.#cursors.values() })
    this.#drain = new Drain(retry)
  }

  /** Position up to which every live stream was served. */
  get position(): number {
    return this.#router.position
  }

  /** Epoch of that position. */
  get epoch(): string {
    return this.#options.recent.epoch
  }

  /** Streams that are open. */
  get connectionCount(): number {
    return this.#cursors.size
  }

  /** Tokens and patterns in the index of subscriptions. */
  get indexSize(): number {
    return this.#audiences.indexSize
  }

  /** Tokens and patterns that the index of subscriptions may hold. */
  get maxIndexSize(): number {
    return this.#capacity.maxIndexSize
  }

  start(): void {
    this.#heartbeats.start()
  }

  /** Takes the events that follow the ones before, in order; resolves when it can take more. */
  async deliver(events: readonly LoggedEvent[]): Promise<void> {
    for (const event of events) {
      this.#router.push(this.#options.recent.push(event))
      if (this.#flusher.isFull) await this.#flusher.flushAll()
    }
    this.#flusher.schedule()
  }

  /**
   * The log continues after `head`: the events before it were purged unread, are missing, or the log is another one (a
   * restored backup).
   */
  async skip(head: number, reason: Gap['reason'], epoch = this.epoch): Promise<void> {
    await this.#flusher.flushAll()
    // Streams that are behind in the same log find out by themselves what is left.
    const affected = [...this.#cursors.values()]
      .filter(({ isLive }) => reason === 'unknown' || isLive)
      .map((cursor) => ({ cursor, from: cursor.position }))
    this.#options.recent.reset(head, epoch)
    this.#options.replay.forget()
    this.#router.reset(head)
    for (const { cursor, from } of affected) cursor.jump({ from, to: head, reason })
    this.#cursors.wakeWaiting()
  }

  /**
   * The log has another epoch, which shares with the earlier one everything up to `shared`: at least what this instance has
   * read. A cursor that another instance has served beyond that is no longer of this log.
   */
  renew(epoch: string, shared: number): void {
    this.#options.recent.renew(epoch)
    for (const cursor of this.#cursors.values()) {
      const from = cursor.position
      if (from > shared) cursor.jump({ from, to: this.position, reason: 'unknown' })
    }
  }

  /**
   * Before a stream is opened or moved, and before its patterns are checked: thousands at once must not hold the event loop.
   *
   * @returns `undefined` when it may be done at once, else a promise of the turn in which it may
   */
  turn(): Promise<void> | undefined {
    return this.#changes.enter()
  }

  /** Opens a stream. Another one of the same client is closed: it is half-open, or belongs to a page that was reloaded. */
  open(subscription: Subscription): Cursor {
    const { encoding, transport, clientId, cursor: start } = subscription
    this.#cursors.ofClient(clientId)?.close('replaced')
    const audience = this.#audiences.of(subscription.selection, encoding)
    // One object for all streams of the audience.
    const { selection } = audience
    const release = this.#quotas.add(subscription.owner ?? NO_OWNER)
    const cursor = createCursor(String(this.#nextId++), { ...subscription, selection }, this.#options, {
      served: () => this.#router.position,
      epoch: () => this.epoch,
      turn: () => this.#steps.enter(),
      onAhead: (cursor) => this.#cursors.wait(cursor),
      onClose: (cursor, reason) => {
        release()
        this.#forget(cursor, transport, reason)
        subscription.onEnd?.()
      },
    })
    this.#options.telemetry.connectionOpened(transport)
    audience.cursors.add(cursor)
    this.#cursors.add(cursor)
    this.#options.logger.debug({ connection: cursor.id, patterns: selection.patterns, cursor: start }, 'stream opened')
    return cursor
  }

  /**
   * Changes what an open stream follows. It continues at its position: what it has not been given yet, it gets by the new
   * selection, with no event lost, repeated or out of order.
   *
   * @returns whether the index of subscriptions has room for it; if not, the stream stays as it is, as does one that has ended
   */
  move(cursor: Cursor, selection: Selection): boolean {
    if (cursor.isClosed) return true
    const { encoding } = cursor
    const growth = this.#audiences.growthFor(selection, encoding)
    const { indexSize } = this.#audiences
    if (!this.#capacity.admits({ connections: this.#cursors.size, isReplacement: true, indexSize, growth }))
      return false
    const before = this.#audiences.of(cursor.selection, encoding)
    const audience = this.#audiences.of(selection, encoding)
    if (audience === before) return true
    this.#audiences.leave(before, cursor)
    audience.cursors.add(cursor)
    cursor.follow(audience.selection)
    return true
  }

  /**
   * What a further stream is sent instead of events: the instance is draining, too many streams are open (of all, or of the same
   * subject or address), or the index of subscriptions is full. `undefined` when the stream may be opened.
   */
  refusal(request: SubscriptionRequest): Closing | undefined {
    const { selection, encoding, clientId, isProxied = false, owner = NO_OWNER } = request
    if (this.#isDraining) return { reason: 'drain', retry: this.#drain.retryFor(isProxied) }
    const isReplacement = this.#cursors.ofClient(clientId) !== undefined
    const limit = isReplacement ? undefined : this.#quotas.exceededBy(owner)
    if (limit !== undefined) {
      this.#options.telemetry.limitReached(limit)
      return { reason: 'limit', retry: this.#refusedRetry() }
    }
    const isAdmitted = this.#capacity.admits({
      connections: this.#cursors.size,
      isReplacement,
      indexSize: this.#audiences.indexSize,
      growth: this.#audiences.growthFor(selection, encoding),
    })
    if (isAdmitted) return undefined
    this.#options.telemetry.limitReached('streams')
    return { reason: 'full', retry: this.#refusedRetry() }
  }

  /** What a stream is sent whose cursor can't be looked up. */
  get unavailable(): Closing {
    return { reason: 'unavailable', retry: this.#refusedRetry() }
  }

  /**
   * Closes every stream for good, at an even pace over `duration` milliseconds (less when they are few). A stream is served
   * until it is closed; new ones are refused.
   */
  drain(duration: number): Promise<void> {
    this.#isDraining = true
    return this.disconnectAll(duration)
  }

  /** Closes every stream once, like `drain`; clients that reconnect are served. */
  disconnectAll(duration: number): Promise<void> {
    return this.#drain.closeAll([...this.#cursors.values()], duration)
  }

  /** Stops for good. */
  stop(): void {
    this.#heartbeats.stop()
    this.#flusher.stop()
    for (const cursor of this.#cursors.values()) cursor.close('shutdown')
  }

  #forget(cursor: Cursor, transport: Transport, reason: CloseReason): void {
    this.#options.telemetry.connectionClosed(transport, reason)
    this.#cursors.remove(cursor)
    this.#audiences.leave(this.#audiences.of(cursor.selection, cursor.encoding), cursor)
    this.#options.logger.debug({ connection: cursor.id, reason }, 'stream closed')
  }

  #refusedRetry(): number {
    return jittered(REFUSED_FACTOR * this.#options.retry)
  }
}
