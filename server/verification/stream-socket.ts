import type { Socket } from 'bun'
import { FrameScanner, type ScannedFrame } from './frame-scanner.ts'
import { ResponseDecoder } from './response-decoder.ts'

/** Which stream to open, and what to call back with. */
export interface StreamSocketOptions {
  /** The stream, such as `http://127.0.0.1:8080/events?channel=a`. */
  url: string
  /** Further headers of the request. */
  headers?: Record<string, string>
  /** Receives each frame. */
  onFrame: (frame: ScannedFrame) => void
  /** Receives the reconnection time, in milliseconds. */
  onRetry?: (ms: number) => void
  /** Called once, with the reason: the stream ended, was cut or never opened. */
  onClose: (problem: string) => void
}

/**
 * One event stream over a socket of its own. Leaner than `fetch`, so that a process can hold thousands, and it does what
 * `fetch` can't: stop reading, and end the connection without notice.
 */
export class StreamSocket {
  readonly #options: StreamSocketOptions
  readonly #scanner: FrameScanner
  readonly #decoder: ResponseDecoder
  #socket: Socket | undefined
  #isClosed = false

  constructor(options: StreamSocketOptions) {
    this.#options = options
    this.#scanner = new FrameScanner(options.onFrame, options.onRetry)
    this.#decoder = new ResponseDecoder({
      onHead: (status) => {
        if (status !== 200) this.#close(`status ${status}`)
      },
      onBody: (bytes) => this.#scanner.push(bytes),
      onEnd: () => this.#close('the server ended the stream'),
    })
    void this.#open()
  }

  /** Whether the connection has ended, or never began. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Stops reading: what the server sends stays in the network's buffers. */
  pause(): void {
    this.#socket?.pause()
  }

  /** Reads again. */
  resume(): void {
    this.#socket?.resume()
  }

  /** Ends the connection at once. */
  close(): void {
    this.#close('closed')
  }

  async #open(): Promise<void> {
    const url = new URL(this.#options.url)
    const isSecure = url.protocol === 'https:'
    try {
      this.#socket = await Bun.connect({
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port || (isSecure ? 443 : 80)),
        tls: isSecure,
        socket: {
          data: (_socket, bytes) => {
            if (!this.#isClosed) this.#decoder.push(bytes)
          },
          close: () => this.#close('the connection was lost'),
          error: (_socket, error) => this.#close(error.message),
        },
      })
      if (this.#isClosed) this.#socket.terminate()
      else this.#socket.write(this.#request(url))
    } catch (error) {
      this.#close((error as Error).message)
    }
  }

  #request(url: URL): string {
    const headers = { host: url.host, accept: 'text/event-stream', ...this.#options.headers }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
  }

  #close(problem: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket?.terminate()
    this.#options.onClose(problem)
  }
}
