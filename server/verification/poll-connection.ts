import { SECOND } from '../platform/time.ts'
import { HISTORY_PAGE } from '../protocol/limits.ts'
import { ByteSocket, getRequest } from './byte-socket.ts'
import type { Connection, ConnectionOptions, ScannedFrame } from './connection.ts'
import { numberAt } from './frame-scanner.ts'
import { type ScannedPage, scanPage } from './page-scanner.ts'
import { ResponseDecoder } from './response-decoder.ts'

/** Seconds that the first request after a reconnect waits: its page shows that the connection works. */
const FIRST_WAIT = 1

/**
 * Long-polling over one connection that is kept alive: each page is asked for after the one before, and its content becomes
 * the frames that a stream would have. The first page is `ready`, and an empty one is a heartbeat.
 */
export class PollConnection implements Connection {
  readonly #options: ConnectionOptions
  readonly #wait: number
  readonly #socket: ByteSocket
  /** `after` of the next page. */
  #cursor: string | undefined
  #decoder!: ResponseDecoder
  #isReady = false
  #isPaused = false
  /** Whether a page is due, and was not asked for because reading has stopped. */
  #isDue = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#wait = options.wait ?? 10
    this.#cursor = options.cursor
    const { onTraffic, onClose } = options
    this.#socket = new ByteSocket({
      url: new URL(options.url),
      onBytes: (bytes) => this.#decoder.push(bytes),
      onTraffic,
      onClose,
    })
    this.#ask()
  }

  get isClosed(): boolean {
    return this.#socket.isClosed
  }

  pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#socket.resume()
    if (this.#isDue) this.#ask()
  }

  close(): void {
    this.#socket.close('closed')
  }

  #ask(): void {
    this.#isDue = this.#isPaused
    if (this.#isDue) return
    let body = ''
    this.#decoder = new ResponseDecoder({
      onHead: (status) => {
        if (status !== 200) this.#socket.close(`status ${status}`)
      },
      onBody: (bytes) => {
        body += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
      },
      onEnd: () => this.#onBody(body),
    })
    this.#socket.send(getRequest(this.#nextUrl(), { accept: 'application/json', ...this.#options.headers?.() }))
  }

  #nextUrl(): URL {
    const url = new URL(this.#options.url)
    url.searchParams.set('after', this.#cursor ?? 'latest')
    url.searchParams.set('limit', String(HISTORY_PAGE.max))
    if (this.#cursor !== undefined) url.searchParams.set('wait', String(this.#isReady ? this.#wait : FIRST_WAIT))
    return url
  }

  #onBody(body: string): void {
    if (this.isClosed) return
    try {
      this.#onPage(scanPage(body))
    } catch (error) {
      this.#socket.close(`the response is no page: ${(error as Error).message}`)
    }
  }

  #onPage(page: ScannedPage): void {
    if (!this.#isReady) this.#onFirst(page)
    if (page.closing) this.#options.onRetry?.(page.closing.retry)
    for (const frame of framesOf(page)) this.#options.onFrame(frame)
    this.#cursor = page.cursor
    if (page.closing) this.#socket.close('the server ended the wait')
    else if (!this.isClosed) this.#ask()
  }

  #onFirst({ cursor }: ScannedPage): void {
    this.#isReady = true
    const ready = { cursor: this.#cursor ?? cursor, heartbeat: this.#wait * SECOND }
    this.#options.onFrame({ id: -1, cursor: '', event: 'ready', text: JSON.stringify(ready) })
  }
}

/** What a stream would have sent in place of a page. */
function* framesOf({ events, gap, closing, cursor }: ScannedPage): Generator<ScannedFrame> {
  const frame = (event: string, data: object) => ({
    id: numberAt(cursor, 0),
    cursor,
    event,
    text: JSON.stringify(data),
  })
  const epoch = cursor.slice(cursor.indexOf('-'))
  if (gap) yield frame('gap', gap)
  for (const { position, type, text } of events) {
    yield { id: position, cursor: `${position}${epoch}`, event: type, text }
  }
  if (closing) yield frame('closing', closing)
  else if (events.length === 0 && !gap) yield frame('heartbeat', {})
}
