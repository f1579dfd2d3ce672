import { type EventStream, openEventStream } from './event-stream.ts'
import { covers, union } from './pattern.ts'
import { Peers } from './peers.ts'
import type { Gap, StreamEvent, StreamState } from './protocol.ts'
import { randomId } from './random-id.ts'
import { Subscription, type SubscriptionOptions } from './subscription.ts'

export interface SharedStreamOptions {
  /** Where the stream is. Defaults to `/events`. */
  url?: string
  /** Tabs with the same name share. Defaults to `sse-update`. */
  name?: string
}

export interface Follow extends SubscriptionOptions {
  /** A reloaded tab goes on where it was: the cursor is kept under this name, in the tab's session storage. */
  resume?: string
  /** Whether a tab that nobody sees follows nothing; when it is seen again, it catches up. Defaults to `false`. */
  pauseWhenHidden?: boolean
}

/** What the tabs say to each other. */
type Message =
  /** A tab is there, and follows these channels. A new one asks the leader how things stand. */
  | { kind: 'want'; tab: string; channels: readonly string[]; isNew: boolean }
  /** A new leader asks who is there. */
  | { kind: 'who' }
  /** The leader's connection brings these channels after this position. */
  | { kind: 'now'; channels: readonly string[]; position: number }
  | { kind: 'state'; state: StreamState }
  | { kind: 'event'; event: StreamEvent }
  | { kind: 'position'; position: number }
  | { kind: 'gap'; gap: Gap }

/**
 * One connection for all tabs of a browser: over HTTP/1.1 a browser has six for each server.
 *
 * The tab that holds a lock (Web Locks) is the **leader**: it has the connection, for the channels of all tabs, and tells
 * the others what comes (BroadcastChannel). When it closes, the browser gives the lock to another, which goes on at the
 * position that was told last. Each subscription has a cursor of its own, so what is told twice is left out, and what a
 * change of leader or of channels leaves out is read from the history. Each tab also holds a lock of its own: when the
 * leader gets that, the tab is gone, however it ended.
 *
 * Where there are no locks (a page that is not served securely, and not from this machine), each tab leads itself.
 */
export class SharedStream {
  readonly #options: Required<SharedStreamOptions>
  readonly #tab = randomId()
  readonly #bus: BroadcastChannel | undefined
  readonly #subscriptions = new Set<Subscription>()
  readonly #paused = new Set<Subscription>()
  readonly #peers: Peers
  /** Resolves when the others may hear of this tab. */
  readonly #isPresent: Promise<void> | undefined
  readonly #listeners = new Set<(state: StreamState) => void>()
  readonly #release = Promise.withResolvers<void>()
  #isLeader = false
  #isClosed = false
  #stream: EventStream | undefined
  /** As leader: what the connection was asked for. */
  #requested: readonly string[] = []
  /** What the connection brings, as the leader told last. */
  #channels: readonly string[] = []
  #position: number | undefined
  #state: StreamState = { name: 'connecting' }

  constructor({ url = '/events', name = 'sse-update' }: SharedStreamOptions = {}) {
    this.#options = { url, name }
    this.#peers = new Peers(name, () => this.#onPeerGone())
    const canShare = 'locks' in navigator && 'BroadcastChannel' in globalThis
    if (!canShare) {
      this.#isLeader = true
      return
    }
    this.#bus = new BroadcastChannel(name)
    this.#bus.onmessage = ({ data }: MessageEvent<Message>) => this.#receive(data)
    this.#isPresent = this.#peers.announce(this.#tab, this.#release.promise)
    void navigator.locks.request(name, () => this.#lead())
    this.#tellWanted(true)
  }

  /** Whether this tab has the connection. */
  get isLeader(): boolean {
    return this.#isLeader
  }

  get state(): StreamState {
    return this.#state
  }

  /** Calls back with the state now and whenever it changes; answers how to stop that. */
  onState(listener: (state: StreamState) => void): () => void {
    this.#listeners.add(listener)
    listener(this.#state)
    return () => this.#listeners.delete(listener)
  }

  /** Follows channels; answers how to stop. */
  follow({ resume, pauseWhenHidden = false, ...options }: Follow): () => void {
    const stored = resume === undefined ? null : sessionStorage.getItem(keyOf(resume))
    const after = options.after ?? (stored === null ? undefined : Number(stored))
    const subscription = new Subscription({ ...options, after }, this.#options.url)
    this.#subscriptions.add(subscription)
    const save = () => {
      if (resume !== undefined && subscription.cursor !== undefined) {
        sessionStorage.setItem(keyOf(resume), String(subscription.cursor))
      }
    }
    const show = () => this.#pause(subscription, document.visibilityState === 'hidden')
    const timer = resume === undefined ? undefined : setInterval(save, SAVE_INTERVAL)
    globalThis.addEventListener?.('pagehide', save)
    if (pauseWhenHidden) document.addEventListener('visibilitychange', show)
    if (pauseWhenHidden && document.visibilityState === 'hidden') this.#paused.add(subscription)
    else this.#begin(subscription)
    return () => {
      save()
      clearInterval(timer)
      globalThis.removeEventListener?.('pagehide', save)
      if (pauseWhenHidden) document.removeEventListener('visibilitychange', show)
      subscription.leave()
      this.#subscriptions.delete(subscription)
      this.#paused.delete(subscription)
      this.#want()
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const subscription of this.#subscriptions) subscription.leave()
    this.#stream?.close()
    this.#release.resolve()
    this.#bus?.close()
    this.#setState({ name: 'closed' })
  }

  #begin(subscription: Subscription): void {
    if (this.#position !== undefined) subscription.join(this.#channels, this.#position)
    if (!subscription.isJoined) this.#want()
  }

  #pause(subscription: Subscription, isPaused: boolean): void {
    if (isPaused === this.#paused.has(subscription)) return
    if (isPaused) {
      this.#paused.add(subscription)
      subscription.leave()
      this.#want()
    } else {
      this.#paused.delete(subscription)
      this.#begin(subscription)
    }
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

  /** Tells the leader what this tab follows. */
  #want(): void {
    if (this.#isClosed) return
    if (this.#isLeader) this.#connect()
    else this.#tellWanted(false)
  }

  #tellWanted(isNew: boolean): void {
    void this.#isPresent?.then(() => {
      if (!this.#isClosed) this.#post({ kind: 'want', tab: this.#tab, channels: this.#own(), isNew })
    })
  }

  /** It may have been what it wanted that was refused. */
  #onPeerGone(): void {
    if (!this.#isClosed && this.#state.name === 'refused') this.#connect()
  }

  #own(): string[] {
    const active = [...this.#subscriptions].filter((subscription) => !this.#paused.has(subscription))
    return union(active.flatMap(({ channels }) => channels))
  }

  /** As leader: has a connection that brings what all tabs follow. */
  #connect(): void {
    const wanted = union([...this.#own(), ...this.#peers.channels])
    if (wanted.length === 0) return
    if (!this.#stream) {
      this.#requested = wanted
      this.#stream = openEventStream({
        url: this.#options.url,
        channels: wanted,
        after: this.#position,
        onReady: (position, channels) => this.#tell({ kind: 'now', channels, position }),
        onEvent: (event) => this.#tell({ kind: 'event', event }),
        onPosition: (position) => this.#tell({ kind: 'position', position }),
        onGap: (gap) => this.#tell({ kind: 'gap', gap }),
        onState: (state) => this.#tell({ kind: 'state', state }),
      })
    } else if (
      this.#state.name === 'refused' ||
      !wanted.every((one) => this.#requested.some((given) => covers(given, one)))
    ) {
      if (wanted.join() === this.#requested.join()) return
      this.#requested = wanted
      this.#stream.follow(wanted)
    }
  }

  /** As leader: to the others, and to itself. */
  #tell(message: Message): void {
    this.#post(message)
    this.#receive(message)
  }

  #post(message: Message): void {
    this.#bus?.postMessage(message)
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'want':
        this.#peers.set(message.tab, message.channels)
        if (this.#isLeader) {
          this.#connect()
          if (message.isNew) this.#tellHowThingsStand()
        }
        break
      case 'who':
        this.#tellWanted(false)
        break
      case 'now':
        this.#channels = message.channels
        this.#position = message.position
        for (const subscription of this.#active()) this.#settle(subscription, message)
        break
      case 'state':
        this.#setState(message.state)
        break
      case 'event':
        this.#position = message.event.position
        for (const subscription of this.#active()) subscription.offer(message.event)
        break
      case 'position':
        this.#position = message.position
        for (const subscription of this.#active()) subscription.advance(message.position)
        break
      case 'gap':
        this.#position = message.gap.to
        for (const subscription of this.#active()) if (subscription.isJoined) subscription.tellGap(message.gap)
        break
    }
  }

  /** A connection that does not bring a subscription's channels is none for it; one that does, it joins. */
  #settle(subscription: Subscription, { channels, position }: { channels: readonly string[]; position: number }): void {
    const isCovered = subscription.channels.every((wanted) => channels.some((given) => covers(given, wanted)))
    if (isCovered) subscription.join(channels, position)
    else {
      if (subscription.isJoined) subscription.leave()
      this.#want()
    }
  }

  #active(): Subscription[] {
    return [...this.#subscriptions].filter((subscription) => !this.#paused.has(subscription))
  }

  #tellHowThingsStand(): void {
    this.#post({ kind: 'state', state: this.#state })
    if (this.#position === undefined) return
    this.#post({ kind: 'now', channels: this.#channels, position: this.#position })
  }

  #setState(state: StreamState): void {
    this.#state = state
    for (const listener of this.#listeners) listener(state)
  }
}

/** Milliseconds between two savings of a cursor: a tab that crashes says no farewell. */
const SAVE_INTERVAL = 1000

const keyOf = (name: string) => `sse-update cursor ${name}`
