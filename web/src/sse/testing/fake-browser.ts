import type { Gap } from '../protocol.ts'

const HEARTBEAT = 1000

/** An EventSource whose methods are what can happen to one. Ids are cursors of the present epoch. */
export class FakeEventSource extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 2
  /** Epoch of the log that the fake server serves. */
  static epoch = 'a'
  /** All that were opened, oldest first. */
  static opened: FakeEventSource[] = []
  readyState = FakeEventSource.CONNECTING
  onmessage: ((event: MessageEvent<string>) => void) | null = null
  onerror: (() => void) | null = null
  readonly query: URLSearchParams

  constructor(
    readonly url: string,
    readonly init?: EventSourceInit,
  ) {
    super()
    this.query = new URL(url, 'http://localhost').searchParams
    FakeEventSource.opened.push(this)
  }

  /** The one that was opened last. */
  static get newest(): FakeEventSource {
    const newest = FakeEventSource.opened.at(-1)
    if (!newest) throw new Error('no EventSource was opened')
    return newest
  }

  close(): void {
    this.readyState = FakeEventSource.CLOSED
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.readyState === FakeEventSource.CLOSED
  }

  /** The stream begins. @param head of the log; the cursor is the one that was requested, or the head */
  connects({ head = 0, instance = 'a' } = {}): void {
    this.readyState = FakeEventSource.OPEN
    const asked = this.query.get('lastEventId')
    const cursor = asked ?? idOf(head)
    const channels = this.query.getAll('channel')
    const resumed = asked !== null
    const ready = { connection: '1', instance, channels, cursor, oldest: 1, head, resumed, heartbeat: HEARTBEAT }
    this.#dispatch('ready', JSON.stringify(ready), cursor)
  }

  /** An event arrives. */
  brings(position: number, channel = 'orders.alice.1', type = 'order.paid'): void {
    const data = JSON.stringify({ channel, type, data: { n: position }, time: '2026-11-21T10:00:00.000Z' })
    this.onmessage?.(new MessageEvent('message', { data, lastEventId: idOf(position) }))
  }

  /** A heartbeat arrives. */
  beats(position: number): void {
    this.#dispatch('heartbeat', '{}', idOf(position))
  }

  /** The server announces that it ends the stream. @param lastEventId a cursor; empty when the frame has none */
  isClosing(reason: string, retry: number, lastEventId = ''): void {
    this.#dispatch('closing', JSON.stringify({ reason, retry }), lastEventId)
  }

  /** The server announces that the session ends soon. */
  isExpiring(expiresAt: number): void {
    this.#dispatch('auth-expiring', JSON.stringify({ expiresAt }), '')
  }

  /** A gap arrives. */
  lost(gap: Gap): void {
    this.#dispatch('gap', JSON.stringify(gap), idOf(gap.to))
  }

  /** The connection breaks: the browser will try again. */
  drops(): void {
    this.readyState = FakeEventSource.CONNECTING
    this.onerror?.()
  }

  /** The browser gives up: the response was no stream. */
  fails(): void {
    this.readyState = FakeEventSource.CLOSED
    this.onerror?.()
  }

  #dispatch(type: string, data: string, lastEventId: string): void {
    this.dispatchEvent(new MessageEvent(type, { data, lastEventId }))
  }
}

const idOf = (position: number) => `${position}-${FakeEventSource.epoch}`

type Hold = (lock: object | null) => Promise<unknown>
const LOCK = {}

/** Locks of Web Locks: the first to request one has it, until its promise settles. */
class FakeLocks {
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #held = new Map<string, number>()

  /** Without `ifAvailable`, waits until those before it have ended. */
  async request(name: string, ...rest: [Hold] | [LockOptions, Hold]): Promise<unknown> {
    const [options, hold] = rest.length === 1 ? [{}, rest[0]] : rest
    const waiting = this.#held.get(name) ?? 0
    if ((options as LockOptions).ifAvailable && waiting > 0) return hold(null)
    this.#held.set(name, waiting + 1)
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(() => hold(LOCK))
    const over = turn.then(
      () => this.#held.set(name, (this.#held.get(name) ?? 1) - 1),
      () => this.#held.set(name, (this.#held.get(name) ?? 1) - 1),
    )
    this.#last.set(name, over)
    return turn
  }
}

/** Responses of `fetch`, by path, query and request. */
export type Respond = (url: URL, init: RequestInit) => Response | Promise<Response>

/** Replaces what the client uses of the browser. Returns how to undo that. */
export function fakeBrowser(respond: Respond = () => new Response(null, { status: 503 })): () => void {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  const before = { EventSource: globalThis.EventSource, fetch: globalThis.fetch, navigator: globalThis.navigator }
  FakeEventSource.opened = []
  FakeEventSource.epoch = 'a'
  const network = { onLine: true, locks: new FakeLocks() }
  const stored = new Map<string, string>()
  Object.assign(globalThis, {
    document: page,
    sessionStorage: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    },
    EventSource: FakeEventSource,
    fetch: async (url: string, init: RequestInit = {}) => respond(new URL(url, 'http://localhost'), init),
  })
  Object.defineProperty(globalThis, 'navigator', { value: network, configurable: true, writable: true })
  return () => {
    Object.assign(globalThis, { EventSource: before.EventSource, fetch: before.fetch })
    Object.defineProperty(globalThis, 'navigator', { value: before.navigator, configurable: true, writable: true })
  }
}

/** The tab is hidden, or visible again. */
export function setHidden(isHidden: boolean): void {
  Object.assign(document, { visibilityState: isHidden ? 'hidden' : 'visible' })
  document.dispatchEvent(new Event('visibilitychange'))
}

/** The browser loses its network, or regains it. */
export function setOnline(isOnline: boolean): void {
  ;(globalThis.navigator as unknown as { onLine: boolean }).onLine = isOnline
  globalThis.dispatchEvent(new Event(isOnline ? 'online' : 'offline'))
}
