import type { Logger } from '../platform/logger.ts'
import { atEvenPace } from '../platform/stagger.ts'
import { jittered, SECOND, sleep } from '../platform/time.ts'
import type { Closing, Gap } from '../protocol/control-events.ts'
import { formatCursor } from '../protocol/cursor.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { Audience } from './audience.ts'
import { type CloseReason, Cursor } from './cursor.ts'
import type { Encoding } from './encoding.ts'
import { PatternIndex } from './pattern-index.ts'
import type { RecentEvent, RecentEvents } from './recent-events.ts'
import type { Replay } from './replay.ts'
import type { Selection } from './selection.ts'
import type { Sink } from './sink.ts'

export interface HubOptions {
  recent: RecentEvents
  replay: Replay
  logger: Logger
  /** Least milliseconds between two flushes. */
  flushInterval: number
  heartbeat: number
  stallTimeout: number
  /** Milliseconds that clients wait before they reconnect: each is told between this and twice this. */
  retry: number
  maxConnections: number
  /** Name of this instance, told in `ready`. */
  instance: string
}

export interface Subscription {
  selection: Selection
  encoding: Encoding
  sink: Sink
  clientId: string | null
  cursor: number
  /** Whether the cursor is the client's. */
  resumed: boolean
  /** Position of the oldest event kept. */
  oldest: number
  /** Whether a proxy stands between, which answers with an error status while no instance is there. Defaults to `false`. */
  isProxied?: boolean
  gap?: Gap | undefined
}

/** Milliseconds between two looks at who needs a heartbeat or a comment. */
const TICK = SECOND / 2
/** Streams that are written to in one turn of the event loop: ten thousand that fall due together take 50 turns. */
const TICK_WRITES = 200

/** Milliseconds that clients of a draining instance wait before they reconnect: so long, and more with each stream. */
const DRAIN_RETRY = 75
const DRAIN_RETRY_PER_STREAM = 0.2

/** How much longer than usual a client waits whose stream was not opened. */
const LATER = 3

/** Bytes pending at which a flush no longer waits for its turn: after an outage a great deal comes at once. */
const FLUSH_BYTES = 256 * 2 ** 10

/** Milliseconds of routing after which a flush lets others have their turn. */
const SLICE = 10
/** Streams that a flush writes to in one turn of the event loop; each write is a system call. */
const FLUSH_WRITES = 1000
/** Bytes that a flush writes in one turn, to all streams together: large events take longer than the calls. */
const FLUSH_WRITE_BYTES = 16 * 2 ** 20
/** Bytes that a flush copies for its audiences before it lets others have their turn. */
const SLICE_BYTES = 32 * 2 ** 20

/**
 * Least tokens and patterns that the index of an instance may hold: about 220 bytes each, and at worst 50 ms for the look-up of
 * one channel.
 */
const MIN_INDEX_SIZE = 1_000_000
/** Where more streams are allowed, the index may hold so many for each. */
const INDEX_SIZE_PER_STREAM = 20
/** Tokens and patterns above which a stream is refused when half of the index is taken. */
const LARGE_SELECTION = 50

/**
 * Gives every event to those who asked for its channel.
 *
 * **Nobody waits for a client**: a flush offers each audience its chunk and goes on; who can't take it reads on later.
 * Flushing at once when idle and then at most once per interval turns many events into one write per connection.
 */
export class Hub {
  readonly #options: HubOptions
  readonly #recent: RecentEvents
  readonly #audiences = new Map<string, Audience>()
  readonly #index = new PatternIndex<Audience>()
  readonly #cursors = new Map<string, Cursor>()
  readonly #byClientId = new Map<string, Cursor>()
  /** Whose cursor lies beyond what this instance has read. */
  readonly #waiting = new Set<Cursor>()
  /** In memory already, not offered yet. */
  #pending: RecentEvent[] = []
  #flushed: number
  #pendingBytes = 0
  #lastFlush = 0
  #flushTimer: Timer | undefined
  #isFlushing = false
  #ticker: Timer | undefined
  #isTicking = false
  #nextId = 1
  #isDraining = false
  /** Reconnection time of a drain, before jitter. */
  #drainRetry = 0
  /** For metrics: streams opened so far, and closed, by reason. */
  opened = 0
  readonly closed: Record<CloseReason, number> = { client: 0, replaced: 0, stalled: 0, shutdown: 0, error: 0 }

  constructor(options: HubOptions) {
    this.#options = options
    this.#recent = options.recent
    this.#flushed = options.recent.head
  }

  /** Position up to which everybody live was served. */
  get position(): number {
    return this.#flushed
  }

  /** Epoch of that position. */
  get epoch(): string {
    return this.#recent.epoch
  }

  get connectionCount(): number {
    return this.#cursors.size
  }

  start(): void {
    const interval = Math.min(TICK, this.#options.heartbeat / 4)
    this.#ticker = setInterval(() => void this.#tick(), interval)
  }

  /** Takes the events that follow what it has, in order; resolves when it can take more. */
  async deliver(events: readonly LoggedEvent[]): Promise<void> {
    for (const event of events) {
      const recent = this.#recent.push(event)
      this.#pending.push(recent)
      this.#pendingBytes += recent.bytes
      if (this.#pendingBytes >= FLUSH_BYTES) await this.#flushAll()
    }
    this.#scheduleFlush()
  }

  /**
   * The log goes on after `head`: what lies between was purged unread, is missing, or the log is another one (a restored
   * backup).
   */
  async skip(head: number, reason: Gap['reason'], epoch = this.epoch): Promise<void> {
    await this.#flushAll()
    // Those who are behind in the same log find out by themselves what is left.
    const affected = [...this.#cursors.values()]
      .filter(({ isLive }) => reason === 'unknown' || isLive)
      .map((cursor) => ({ cursor, from: cursor.position }))
    this.#recent.reset(head, epoch)
    this.#options.replay.forget()
    this.#flushed = head
    for (const { cursor, from } of affected) cursor.jump({ from, to: head, reason })
    this.#wakeWaiting()
  }

  /**
   * The log has another epoch, which shares with the earlier one everything up to `shared`: at least what this instance has
   * read. A cursor that another instance has served further than that is not of this log any more.
   */
  renew(epoch: string, shared: number): void {
    this.#recent.renew(epoch)
    for (const cursor of this.#cursors.values()) {
      const from = cursor.position
      if (from > shared) cursor.jump({ from, to: this.#flushed, reason: 'unknown' })
    }
  }

  /** Opens a stream. One that the same client has open is closed: it is half-open, or a page that was reloaded. */
  open({
    selection,
    encoding,
    sink,
    clientId,
    cursor: start,
    resumed,
    oldest,
    isProxied = false,
    gap,
  }: Subscription): Cursor {
    if (clientId !== null) this.#byClientId.get(clientId)?.close('replaced')
    const audience = this.#audienceOf(selection, encoding)
    const id = String(this.#nextId++)
    const { heartbeat, stallTimeout, retry, instance } = this.#options
    const cursor = new Cursor({
      id,
      clientId,
      isProxied,
      sink,
      encoding,
      start,
      ready: {
        connection: id,
        instance,
        channels: selection.patterns,
        cursor: formatCursor(start, this.epoch),
        oldest,
        head: this.#flushed,
        resumed,
        heartbeat,
      },
      gap,
      retry: jittered(retry),
      heartbeat,
      stallTimeout,
      served: () => this.#flushed,
      epoch: () => this.epoch,
      replay: (after) =>
        this.#options.replay.next({
          cursor: after,
          through: this.#flushed,
          selection: audience.selection,
          encoding,
          clientId,
        }),
      onAhead: () => this.#waiting.add(cursor),
      onClose: (reason) => this.#forget(cursor, audience, reason),
      onError: (error) => this.#options.logger.error({ err: error, connection: id }, 'a connection failed'),
    })
    this.opened++
    audience.cursors.add(cursor)
    this.#cursors.set(id, cursor)
    if (clientId !== null) this.#byClientId.set(clientId, cursor)
    this.#options.logger.debug({ connection: id, patterns: selection.patterns, cursor: start }, 'stream opened')
    return cursor
  }

  /** Tokens and patterns in the index of subscriptions. */
  get indexSize(): number {
    return this.#index.size
  }

  /** What the index may hold: it takes memory, and time of every event. */
  get maxIndexSize(): number {
    return Math.max(MIN_INDEX_SIZE, INDEX_SIZE_PER_STREAM * this.#options.maxConnections)
  }

  /**
   * What a further stream gets instead of events: too many are open (unless it replaces one), the index of subscriptions
   * is full (streams with many long patterns find it full when half is taken), or this instance stops. `undefined` when it
   * may be opened.
   */
  refusal({
    selection,
    encoding,
    clientId,
    isProxied = false,
  }: Pick<Subscription, 'selection' | 'encoding' | 'clientId' | 'isProxied'>): Closing | undefined {
    if (this.#isDraining) {
      return { reason: 'drain', retry: jittered(isProxied ? this.#options.retry : this.#drainRetry) }
    }
    const isKnown = this.#audiences.has(Audience.nameOf(selection, encoding))
    const share = selection.size > LARGE_SELECTION ? 0.5 : 1
    const isIndexFull = !isKnown && this.#index.size + selection.size > share * this.maxIndexSize
    const replaces = clientId !== null && this.#byClientId.has(clientId)
    if (!isIndexFull && (replaces || this.#cursors.size < this.#options.maxConnections)) return undefined
    return { reason: 'full', retry: jittered(LATER * this.#options.retry) }
  }

  /** What a stream gets whose cursor can't be looked up. */
  get unavailable(): Closing {
    return { reason: 'unavailable', retry: jittered(LATER * this.#options.retry) }
  }

  /**
   * Ends every stream, at an even pace over `duration` milliseconds (quicker when they are few), so that clients come
   * back one after the other. Each gets a reconnection time of its own; until then it is served.
   */
  drain(duration: number): Promise<void> {
    this.#isDraining = true
    return this.disconnectAll(duration)
  }

  /**
   * Ends every stream once, at an even pace; those who come back are served. The reconnection time is only as long as the
   * number of streams asks for: twenty come back at once, ten thousand over `RETRY_MS`. Behind a proxy it is `RETRY_MS`: until
   * an instance is there the proxy answers 502, after which a native EventSource does not try again.
   */
  disconnectAll(duration: number): Promise<void> {
    const streams = [...this.#cursors.values()]
    const retry = Math.min(this.#options.retry, DRAIN_RETRY + DRAIN_RETRY_PER_STREAM * streams.length)
    this.#drainRetry = retry
    return atEvenPace(streams, duration, (cursor) =>
      cursor.close('shutdown', jittered(cursor.isProxied ? this.#options.retry : retry)),
    )
  }

  /** Stops for good. */
  stop(): void {
    clearInterval(this.#ticker)
    clearTimeout(this.#flushTimer)
    for (const cursor of this.#cursors.values()) cursor.close('shutdown')
  }

  #scheduleFlush(): void {
    if (this.#recent.head === this.#flushed || this.#flushTimer !== undefined || this.#isFlushing) return
    const wait = this.#lastFlush + this.#options.flushInterval - performance.now()
    if (wait <= 0) void this.#flush()
    else this.#flushTimer = setTimeout(() => void this.#flush(), wait)
  }

  /** Flushes until nothing is pending; others have their turn in between. */
  async #flushAll(): Promise<void> {
    while (this.#pending.length > 0 || this.#isFlushing) {
      await this.#flush()
      if (this.#pending.length > 0 || this.#isFlushing) await sleep(0)
    }
  }

  /**
   * Serves what is pending, or as much of it as a slice allows; the rest follows in a moment. With few streams all of this
   * happens in one turn of the event loop.
   */
  async #flush(): Promise<void> {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    if (this.#isFlushing) return
    this.#isFlushing = true
    try {
      const from = this.#flushed
      const flushes = [...this.#route()].map((audience) => audience.flush(from))
      this.#lastFlush = performance.now()
      let writes = 0
      let bytes = 0
      for (const offers of flushes) {
        for (const written of offers) {
          bytes += written
          if (++writes < FLUSH_WRITES && bytes < FLUSH_WRITE_BYTES) continue
          await sleep(0)
          writes = bytes = 0
        }
      }
    } finally {
      this.#isFlushing = false
    }
    if (this.#pending.length > 0) this.#flushTimer = setTimeout(() => void this.#flush(), 0)
    this.#wakeWaiting()
  }

  /**
   * Gives pending events to their audiences until the slice is used up, and answers which got some. Now and not on
   * delivery, so that an audience that came in between is not forgotten.
   */
  #route(): Set<Audience> {
    const chosen = new Set<Audience>()
    const byChannel = new Map<string, Audience[]>()
    const sliceEnd = performance.now() + SLICE
    let copied = 0
    let count = 0
    for (const event of this.#pending) {
      const audiences = byChannel.get(event.channel) ?? this.#index.match(event.channel)
      byChannel.set(event.channel, audiences)
      for (const audience of audiences) {
        audience.add(event)
        chosen.add(audience)
      }
      this.#flushed = event.position
      this.#pendingBytes -= event.bytes
      copied += event.bytes * audiences.length
      count++
      if (copied >= SLICE_BYTES || performance.now() >= sliceEnd) break
    }
    this.#pending = this.#pending.slice(count)
    return chosen
  }

  #wakeWaiting(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const cursor of waiting) void cursor.advance()
  }

  /** Every stream in turn, with pauses: those that fall due together must not hold up the event loop. */
  async #tick(): Promise<void> {
    if (this.#isTicking) return
    this.#isTicking = true
    let writes = 0
    try {
      for (const cursor of this.#cursors.values()) {
        if (cursor.tick(performance.now()) && ++writes % TICK_WRITES === 0) await sleep(0)
      }
    } finally {
      this.#isTicking = false
    }
  }

  #audienceOf(selection: Selection, encoding: Encoding): Audience {
    const name = Audience.nameOf(selection, encoding)
    const existing = this.#audiences.get(name)
    if (existing) return existing
    const audience = new Audience(selection, encoding, this.#recent)
    this.#audiences.set(name, audience)
    for (const pattern of selection.patterns) this.#index.add(pattern, audience)
    return audience
  }

  #forget(cursor: Cursor, audience: Audience, reason: CloseReason): void {
    this.closed[reason]++
    this.#cursors.delete(cursor.id)
    this.#waiting.delete(cursor)
    if (cursor.clientId !== null && this.#byClientId.get(cursor.clientId) === cursor) {
      this.#byClientId.delete(cursor.clientId)
    }
    audience.cursors.delete(cursor)
    if (audience.cursors.size === 0) {
      this.#audiences.delete(Audience.nameOf(audience.selection, audience.encoding))
      for (const pattern of audience.selection.patterns) this.#index.remove(pattern, audience)
    }
    this.#options.logger.debug({ connection: cursor.id, reason }, 'stream closed')
  }
}
