import type { Connection, ConnectionEnd, ConnectionRequest } from './connection.ts'
import { Place, positionOf } from './cursor.ts'
import type { EventStream, EventStreamOptions } from './event-stream-options.ts'
import { explainFailure, type Failure } from './explain-failure.ts'
import { isOffline, onNetworkChange } from './network.ts'
import { openConnection } from './open-connection.ts'
import type { Closing, Gap, Ready, StreamEvent, StreamState } from './protocol.ts'
import { ReconnectTimer } from './reconnect-timer.ts'
import { Session, sessionAddress } from './session.ts'
import type { SessionError } from './session-requests.ts'
import { streamAddress } from './sse-connection.ts'
import { SseProbe } from './sse-probe.ts'
import { type Failing, TransportChoice } from './transport-choice.ts'

/**
 * Follows channels over the browser's own EventSource (or another transport), and reconnects where EventSource gives up: after
 * an error status, and on a connection without data (`server/protocol/reconnect-policy.ts`). Each connection begins after the
 * last event ID, by whatever transport, and duplicates are left out, so `onEvent` receives every event once and in order.
 */
export function openEventStream(options: EventStreamOptions): EventStream {
  const stream = new Follower(options)
  stream.start()
  return stream
}

const FALLBACK =
  'no event stream got through in time (a proxy may buffer it): events arrive by long-polling, from the same cursor'

/** A session was begun, and the request after that was refused nevertheless. */
const NOT_KEPT =
  'The server does not accept the session that it has just begun. The browser may not keep its cookie: it may block cookies of this site.'

/** Reasons of `closing` after which the stream needs another session. */
const SESSION_ENDED: readonly string[] = ['expired', 'revoked']

class Follower implements EventStream {
  readonly #options: EventStreamOptions
  readonly #timer: ReconnectTimer
  readonly #place: Place
  readonly #session: Session | undefined
  readonly #choice: TransportChoice
  readonly #probe: SseProbe
  #channels: readonly string[]
  #connection: Connection | undefined
  #instance = ''
  /** Position up to which it catches up. */
  #head = 0
  #isOpen = false
  #isClosed = false
  /** Whether the server did not accept the session that was begun for this attempt. */
  #isUnauthorized = false
  /** Counts attempts, so that a sign-in finds out whether it is still wanted. */
  #attempt = 0
  #state: StreamState['name'] | undefined
  #stopListening: (() => void)[] = []

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.#channels = options.channels
    this.#place = new Place(options.after)
    this.#session = options.session ?? openSession(options)
    this.#timer = new ReconnectTimer({
      connect: () => this.#connect(),
      onSilence: () => this.#onFailed('silence'),
      random: options.random,
    })
    this.#choice = new TransportChoice(options.transport ?? 'auto', options.url ?? '/events')
    this.#probe = new SseProbe({
      choice: this.#choice,
      request: () => this.#request(),
      onThrough: () => this.#reconnect(),
    })
  }

  get cursor(): string | undefined {
    return this.#place.cursor
  }

  start(): void {
    this.#stopListening = [onNetworkChange((isOff) => this.#onNetwork(isOff))]
    const session = this.#session
    if (session) this.#stopListening.push(session.onRenewed(() => this.#onSession()))
    this.#connect()
  }

  follow(channels: readonly string[]): void {
    if (this.#isClosed) return
    this.#channels = channels
    this.#reconnect()
  }

  retry(): void {
    if (this.#state === 'refused') this.#reconnect()
  }

  close(): void {
    this.#isClosed = true
    for (const stop of this.#stopListening) stop()
    if (!this.#options.session) this.#session?.close()
    this.#disconnect()
    this.#setState({ name: 'closed' })
  }

  /** Connects at once: what failed before does not matter any more. */
  #reconnect(): void {
    this.#timer.policy.reset()
    this.#disconnect()
    this.#connect()
  }

  #connect(): void {
    if (isOffline()) {
      this.#setState({ name: 'offline' })
      return
    }
    const session = this.#session
    if (session && !session.isCurrent) void this.#signIn(session)
    else this.#open()
  }

  /** Connects when there is a session. */
  async #signIn(session: Session): Promise<void> {
    this.#setState({ name: 'signing in' })
    const attempt = ++this.#attempt
    const problem = await session.renew().catch((error: SessionError) => error)
    // Meanwhile the stream may have been closed, or follow other channels.
    if (attempt !== this.#attempt) return
    if (!problem) this.#open()
    else if (problem.isRefused) this.#setState({ name: 'refused', reason: problem.message })
    else {
      if (problem.retryAfter !== undefined) this.#timer.policy.setLeastWait(problem.retryAfter)
      this.#retryLater()
    }
  }

  /** Another tab has begun or renewed the session. */
  #onSession(): void {
    if (this.#state === 'refused' || this.#state === 'waiting') this.#reconnect()
  }

  #open(): void {
    this.#setState({ name: 'connecting' })
    this.#timer.policy.connecting()
    const { transport, readyTimeout } = this.#choice
    const { connect = openConnection } = this.#options
    const connection = connect(transport, this.#request(), {
      onReady: (ready, id) => this.#onReady(ready, id),
      onEvent: (event, id) => this.#onEvent(event, id),
      onGap: (gap, id) => this.#onGap(gap, id),
      onHeartbeat: (id) => this.#onHeartbeat(id),
      onExpiring: (id) => this.#onExpiring(id),
      onClosing: (closing, id) => this.#onClosing(closing, id),
      onEnd: (end) => this.#onEnd(end, connection),
    })
    this.#connection = connection
    this.#timer.watch(readyTimeout)
  }

  #request(): ConnectionRequest {
    const { url = '/events', clientId } = this.#options
    return { url, channels: this.#channels, clientId, cursor: this.#place.cursor }
  }

  #onReady(
    { heartbeat, head, instance, cursor }: Omit<Ready, 'connection' | 'channels' | 'oldest' | 'resumed'>,
    id: string,
  ): void {
    this.#timer.policy.ready(heartbeat, Date.now())
    this.#isOpen = true
    this.#isUnauthorized = false
    this.#instance = instance
    this.#onWorking()
    this.#head = head
    // Without an id a gap follows, which moves the cursor.
    this.#moveTo(id)
    this.#options.onReady?.(cursor, this.#channels)
    this.#showProgress()
  }

  #onEvent(event: Omit<StreamEvent, 'position'>, id: string): void {
    // A duplicate is left out.
    if (this.#place.moveTo(id)) this.#options.onEvent?.({ ...event, position: positionOf(id) }, id)
    this.#showProgress()
  }

  #onGap(gap: Gap, id: string): void {
    this.#place.jumpTo(id)
    this.#options.onGap?.(gap, id)
    this.#options.onCursor?.(id)
    this.#showProgress()
  }

  #onHeartbeat(id: string): void {
    this.#moveTo(id)
    this.#showProgress()
  }

  /** The stream continues on the same connection when its session is renewed in time. */
  #onExpiring(id: string): void {
    this.#moveTo(id)
    this.#showProgress()
    void this.#session?.keep()
  }

  /** The server ends the stream, and gives the time until the next attempt. */
  #onClosing(closing: Closing, id: string): void {
    if (SESSION_ENDED.includes(closing.reason)) this.#session?.end()
    this.#timer.policy.closing(closing, Date.now())
    this.#moveTo(id)
    this.#retryLater()
  }

  #moveTo(cursor: string): void {
    if (this.#place.moveTo(cursor)) this.#options.onCursor?.(cursor)
  }

  #showProgress(): void {
    // A callback may have closed the stream, or changed its channels.
    if (!this.#isOpen) return
    this.#timer.watch()
    if (this.#place.position < this.#head) this.#setState({ name: 'catching up' })
    else this.#setState({ name: 'live', instance: this.#instance, transport: this.#choice.transport })
  }

  /** The transport works: where it is long-polling, the event stream is attempted again later. */
  #onWorking(): void {
    if (this.#choice.worked(Date.now())) console.info(`sse-update: ${FALLBACK}`)
    this.#probe.schedule()
  }

  #onEnd(end: ConnectionEnd, connection: Connection): void {
    if (connection !== this.#connection) return
    const wasOpen = this.#isOpen
    this.#isOpen = false
    if (end === 'closed') {
      if (wasOpen) this.#retryLater()
      else void this.#explain(connection)
    } else if (end !== 'reconnecting') {
      this.#disconnect()
      this.#onFailure(end)
    } else if (wasOpen) {
      // The browser makes the first attempt, after the server's reconnection time.
      this.#setState({ name: 'connecting' })
      this.#timer.watchBrowser()
      // That attempt failed, too: the back-off begins.
    } else this.#onFailed('other')
  }

  async #explain(connection: Connection): Promise<void> {
    this.#timer.stop()
    const failure = await explainFailure(streamAddress(this.#request()))
    // Meanwhile the stream may have been closed, or follow other channels.
    if (connection !== this.#connection) return
    this.#disconnect()
    this.#onFailure(failure)
  }

  #onFailure(failure: Failure): void {
    if (failure.verdict === 'over') this.#setState({ name: 'over' })
    else if (failure.verdict === 'refused') this.#onRefused(failure)
    else {
      if (failure.retryAfter !== undefined) this.#timer.policy.setLeastWait(failure.retryAfter)
      this.#onFailed('other')
    }
  }

  #onRefused({ status, reason, isServers }: Failure & { verdict: 'refused' }): void {
    if (status === 401 && this.#session) this.#onUnauthorized(this.#session)
    else if (!isServers && this.#choice.failed('refusal')) this.#connect()
    else this.#setState({ name: 'refused', reason })
  }

  /** An attempt has failed: another transport is attempted at once, or the same one later. */
  #onFailed(failing: Failing): void {
    const isOther = !this.#isOpen && this.#choice.failed(failing)
    if (isOther) {
      this.#disconnect()
      this.#connect()
    } else this.#retryLater()
  }

  /** The session has ended: the first time, another one is begun at once, and then later and later. */
  #onUnauthorized(session: Session): void {
    session.end()
    if (this.#isUnauthorized) this.#retryLater(NOT_KEPT)
    else this.#connect()
    this.#isUnauthorized = true
  }

  #retryLater(reason?: string): void {
    this.#disconnect()
    if (isOffline()) {
      this.#setState({ name: 'offline' })
      return
    }
    this.#setState({ name: 'waiting', at: this.#timer.retry(), ...(reason !== undefined && { reason }) })
  }

  #disconnect(): void {
    this.#timer.stop()
    this.#attempt++
    this.#connection?.close()
    this.#connection = undefined
    this.#probe.stop()
    this.#isOpen = false
  }

  #onNetwork(isOff: boolean): void {
    if (isOff) {
      this.#disconnect()
      this.#setState({ name: 'offline' })
    } else if (this.#state === 'offline' || this.#state === 'waiting') this.#reconnect()
  }

  #setState(state: StreamState): void {
    // Reported once, but for another time to wait until, and another instance.
    if (state.name === this.#state && state.name !== 'waiting' && state.name !== 'live') return
    this.#state = state.name
    this.#options.onState?.(state)
  }
}

/** A session of the stream's own. */
const openSession = ({ getToken, url = '/events', random }: EventStreamOptions): Session | undefined =>
  getToken && new Session({ getToken, random, url: sessionAddress(url), name: `sse-update ${url}` })
