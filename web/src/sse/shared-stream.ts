import type { Cursor } from './cursor.ts'
import { openEventStream } from './event-stream.ts'
import type { EventStream } from './event-stream-options.ts'
import { keepCursor } from './kept-cursor.ts'
import { type Broadcast, MESSAGES_VERSION, type Message } from './messages.ts'
import { covers, union } from './pattern.ts'
import { Peers } from './peers.ts'
import type { StreamState } from './protocol.ts'
import { randomId } from './random-id.ts'
import { type GetToken, Session, sessionAddress } from './session.ts'
import { Subscription, type SubscriptionOptions } from './subscription.ts'
import { Subscriptions } from './subscriptions.ts'
import type { TransportOption } from './transport-choice.ts'

/** Which connection the tabs share. */
export interface SharedStreamOptions {
  /** Address of the stream. Defaults to `/events`. */
  url?: string
  /** Tabs with the same name share. Defaults to `sse-update`. */
  name?: string
  /** Defaults to `auto`: an event stream, and long-polling where none gets through. */
  transport?: TransportOption | undefined
  /** Begins and renews the session, once for all tabs. Without it, the stream uses the browser's cookie as it is. */
  getToken?: GetToken | undefined
}

/** What a part of a page follows. */
export interface Follow extends SubscriptionOptions {
  /** A reloaded tab resumes where it was: the cursor is kept under this name, in the tab's session storage. */
  resume?: string
  /** Whether a hidden tab follows nothing; when it is visible again, it catches up. Defaults to `false`. */
  pauseWhenHidden?: boolean
}

/**
 * One connection for all tabs of a browser: over HTTP/1.1 a browser has six for each server.
 *
 * The tab that holds a lock (Web Locks) is the **leader**: it has the connection, for the channels of all tabs, and forwards
 * what it receives (BroadcastChannel). When it closes, the browser gives the lock to another, which resumes at the last cursor
 * that was forwarded. Each subscription has a cursor of its own, so duplicates are left out, and what a change of leader or of
 * channels leaves out is read from the history. Each tab also holds a lock of its own: when the leader gets that lock, the tab
 * has ended.
 *
 * Where there are no locks (a page that is not served securely, and not from this machine), each tab leads itself.
 */
export class SharedStream {
  readonly #options: Required<Pick<SharedStreamOptions, 'url' | 'name' | 'transport'>>
  readonly #session: Session | undefined
  readonly #tab = randomId()
  readonly #bus: BroadcastChannel | undefined
  readonly #subscriptions = new Subscriptions()
  readonly #peers: Peers
  /** Resolves when the other tabs may learn of this one. */
  readonly #isPresent: Promise<void> | undefined
  /** How to stop what this tab follows. */
  readonly #ends = new Set<() => void>()
  readonly #listeners = new Set<(state: StreamState) => void>()
  readonly #release = Promise.withResolvers<void>()
  #isLeader = false
  #isClosed = false
  #stream: EventStream | undefined
  /** As leader: the channels that the connection was opened for. */
  #requested: readonly string[] = []
  /** The channels that the connection brings, as the leader reported last. */
  #channels: readonly string[] = []
  #cursor: Cursor | undefined
  #state: StreamState = { name: 'connecting' }

  constructor({ url = '/events', name = 'sse-update', transport = 'auto', getToken }: SharedStreamOptions = {}) {
    this.#options = { url, name: `${name} ${MESSAGES_VERSION}`, transport }
    this.#session = getToken && new Session({ getToken, url: sessionAddress(url), name: this.#options.name })
    this.#peers = new Peers(this.#options.name, () => this.#onPeerGone())
    const canShare = 'locks' in navigator && 'BroadcastChannel' in globalThis
    if (!canShare) {
      this.#isLeader = true
      return
    }
    this.#bus = new BroadcastChannel(this.#options.name)
    this.#bus.onmessage = ({ data }: MessageEvent<Message>) => this.#receive(data)
    this.#isPresent = this.#peers.announce(this.#tab, this.#release.promise)
    void navigator.locks.request(this.#options.name, () => this.#lead())
    this.#postWanted(true)
  }

  /** Whether this tab has the connection. */
  get isLeader(): boolean {
    return this.#isLeader
  }

  /** The state of the connection. */
  get state(): StreamState {
    return this.#state
  }

  /** Calls back with the state now and whenever it changes. Returns how to stop that. */
  onState(listener: (state: StreamState) => void): () => void {
    this.#listeners.add(listener)
    listener(this.#state)
    return () => this.#listeners.delete(listener)
  }

  /** Follows channels. Returns how to stop. */
  follow({ resume, pauseWhenHidden = false, ...options }: Follow): () => void {
    const kept = resume === undefined ? undefined : keepCursor(resume, () => subscription.cursor)
    const subscription = new Subscription({ ...options, after: options.after ?? kept?.stored }, this.#options.url)
    const isHidden = () => pauseWhenHidden && document.visibilityState === 'hidden'
    const onVisibility = () => {
      if (!this.#subscriptions.pause(subscription, isHidden())) return
      if (isHidden()) this.#want()
      else this.#begin(subscription)
    }
    if (pauseWhenHidden) document.addEventListener('visibilitychange', onVisibility)
    this.#subscriptions.add(subscription, isHidden())
    if (!isHidden()) this.#begin(subscription)
    const end = () => {
      if (!this.#ends.delete(end)) return
      kept?.stop()
      if (pauseWhenHidden) document.removeEventListener('visibilitychange', onVisibility)
      this.#subscriptions.remove(subscription)
      this.#want()
    }
    this.#ends.add(end)
    return end
  }

  /** Connects again when the server has refused the stream, such as after a sign-in. */
  retry(): void {
    if (this.#isLeader) this.#stream?.retry()
    else this.#post({ kind: 'retry' })
  }

  /** Ends all subscriptions, and this tab's part in the connection. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const end of this.#ends) end()
    this.#stream?.close()
    this.#session?.close()
    this.#release.resolve()
    this.#bus?.close()
    this.#setState({ name: 'closed' })
  }

  #begin(subscription: Subscription): void {
    if (this.#cursor !== undefined) subscription.join(this.#channels, this.#cursor)
    if (!subscription.isJoined) this.#want()
  }

  /** Holds the lock until this tab closes. */
  #lead(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#isLeader = true
    this.#peers.watch()
    this.#post({ kind: 'who' })
    this.#connect()
    return this.#release.promise
  }

  /** Lets the leader know what this tab follows. */
  #want(): void {
    if (this.#isClosed) return
    if (this.#isLeader) this.#connect()
    else this.#postWanted(false)
  }

  #postWanted(isNew: boolean): void {
    void this.#isPresent?.then(() => {
      if (this.#isClosed) return
      this.#post({ kind: 'want', tab: this.#tab, channels: this.#subscriptions.channels, isNew })
    })
  }

  /** The server may have refused what that tab followed. */
  #onPeerGone(): void {
    if (!this.#isClosed && this.#state.name === 'refused') this.#connect()
  }

  /** As leader: has a connection that brings what all tabs follow. */
  #connect(): void {
    const wanted = union([...this.#subscriptions.channels, ...this.#peers.channels])
    if (wanted.length === 0) return
    if (!this.#stream) {
      this.#requested = wanted
      this.#stream = openEventStream({
        url: this.#options.url,
        transport: this.#options.transport,
        channels: wanted,
        session: this.#session,
        after: this.#cursor,
        onReady: (cursor, channels) => this.#forward({ kind: 'now', channels, cursor }),
        onEvent: (event, cursor) => this.#forward({ kind: 'event', event, cursor }),
        onCursor: (cursor) => this.#forward({ kind: 'cursor', cursor }),
        onGap: (gap, cursor) => this.#forward({ kind: 'gap', gap, cursor }),
        onState: (state) => this.#forward({ kind: 'state', state }),
      })
      return
    }
    const isCovered = wanted.every((one) => this.#requested.some((given) => covers(given, one)))
    if (isCovered && this.#state.name !== 'refused') return
    if (wanted.join() === this.#requested.join()) return
    this.#requested = wanted
    this.#stream.follow(wanted)
  }

  /** As leader: to the other tabs, and to this one. */
  #forward(message: Message): void {
    this.#post(message)
    this.#receive(message)
  }

  #post(message: Message): void {
    this.#bus?.postMessage(message)
  }

  #receive(message: Message): void {
    if (message.kind === 'state') this.#setState(message.state)
    else if (message.kind === 'retry') this.#stream?.retry()
    else if (message.kind === 'who') this.#postWanted(false)
    else if (message.kind === 'want') this.#onWant(message)
    else this.#onBroadcast(message)
  }

  #onWant({ tab, channels, isNew }: Message & { kind: 'want' }): void {
    this.#peers.set(tab, channels)
    if (!this.#isLeader) return
    this.#connect()
    if (!isNew) return
    this.#post({ kind: 'state', state: this.#state })
    if (this.#cursor !== undefined) this.#post({ kind: 'now', channels: this.#channels, cursor: this.#cursor })
  }

  #onBroadcast(message: Broadcast): void {
    this.#cursor = message.cursor
    if (message.kind === 'now') this.#channels = message.channels
    if (this.#subscriptions.receive(message)) this.#want()
  }

  #setState(state: StreamState): void {
    this.#state = state
    for (const listener of this.#listeners) listener(state)
  }
}
