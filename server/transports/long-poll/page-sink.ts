import type { Cursor } from '../../fanout/cursor.ts'
import type { Chunk } from '../../fanout/encoding.ts'
import type { Sink } from '../../fanout/sink.ts'
import { type Page, pageText } from '../history/page.ts'
import { type ControlMessage, MARK } from './encoding.ts'

/** What a page says besides its events. */
type Bounds = Pick<Page, 'oldest' | 'head'>

/** Options of {@link PageSink}. */
export interface PageSinkOptions {
  /** Most events of the page. */
  limit: number
  /** Milliseconds after which an empty page ends the wait. */
  wait: number
  /** The cursor that the client has. */
  from: string
  /** The cursor of a position. */
  cursorAt: (position: number) => string
  /** Bounds of the log now. */
  bounds: () => Bounds
}

/** The page that ends a wait. */
export interface WaitedPage {
  body: Uint8Array<ArrayBuffer>
  /** `after` of the next page. */
  cursor: string
}

/**
 * A request that waits for a page, as a sink: the first thing that the cursor has for it becomes the response, and ends the
 * cursor. It has no timer of its own: the heartbeat of its cursor ends the wait.
 */
export class PageSink implements Sink {
  /** Resolves with the page; `undefined` when the client has left before. */
  readonly page: Promise<WaitedPage | undefined>
  readonly #options: PageSinkOptions
  readonly #startedAt = performance.now()
  #resolve!: (page: WaitedPage | undefined) => void
  #cursor: Pick<Cursor, 'leave'> | undefined
  #isSettled = false

  constructor(options: PageSinkOptions) {
    this.#options = options
    this.page = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** The cursor that ends with the wait. Call it once. */
  attach(cursor: Pick<Cursor, 'leave' | 'resume'>): void {
    this.#cursor = cursor
    void cursor.resume()
  }

  /** The client has disconnected. */
  leave(): void {
    this.#settle(undefined)
  }

  get wantsMore(): boolean {
    return !this.#isSettled
  }

  write(chunk: Chunk): void {
    if (this.#isSettled || chunk.byteLength === 0) return
    // An early heartbeat only says that the cursor has caught up.
    const isEarly = chunk[0] === MARK.heartbeat && performance.now() - this.#startedAt < this.#options.wait
    if (!isEarly) this.#settle(this.#pageOf(chunk))
  }

  close(last: Chunk | undefined): void {
    if (!this.#isSettled) this.#settle(last && this.#pageOf(last))
  }

  #settle(page: WaitedPage | undefined): void {
    this.#isSettled = true
    this.#cursor?.leave()
    this.#resolve(page)
  }

  #pageOf(chunk: Chunk): WaitedPage {
    return chunk[0] === MARK.event ? eventsPage(chunk, this.#options) : controlPage(chunk, this.#options)
  }
}

/** The newest page of events: requests that wait for the same channels are answered by the same chunk. */
let newest: { chunk: Chunk; limit: number; head: number; page: WaitedPage } | undefined

function eventsPage(chunk: Chunk, { limit, cursorAt, bounds }: PageSinkOptions): WaitedPage {
  const { oldest, head } = bounds()
  if (newest?.chunk === chunk && newest.limit === limit && newest.head === head) return newest.page
  const lines = firstLines(chunk, limit)
  const events = decoder.decode(lines)
  const position = positionOf(events.slice(events.lastIndexOf('\n') + 1))
  const cursor = cursorAt(position)
  const page = { cursor, body: encode({ events, cursor, more: position < head, oldest, head }) }
  newest = { chunk, limit, head, page }
  return page
}

const LF = 0x0a

/** Without the separator after the last of them. */
function firstLines(chunk: Chunk, limit: number): Chunk {
  let end = -1
  for (let count = 0; count < limit; count++) {
    end = chunk.indexOf(LF, end + 1)
    if (end === -1) return chunk
  }
  return chunk.subarray(0, end - 1)
}

/** The number that an event begins with: `{"position":42,`. */
const positionOf = (event: string): number => Number.parseInt(event.slice(event.indexOf(':') + 1), 10)

function controlPage(chunk: Chunk, { from, bounds }: PageSinkOptions): WaitedPage {
  const { oldest, head } = bounds()
  const { cursor = from, gap, closing }: ControlMessage = JSON.parse(decoder.decode(chunk.subarray(1)))
  return { cursor, body: encode({ gap, closing, events: '', cursor, more: false, oldest, head }) }
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()
const encode = (page: Page) => encoder.encode(pageText(page))
