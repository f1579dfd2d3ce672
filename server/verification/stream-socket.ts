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
  /** What the socket has not taken of the request yet. */
  #unsent: Uint8Array
  #isClosed = false

  constructor(options: StreamSocketOptions) {
    this.#options = options
    const url = new URL(options.url)
    this.#unsent = Buffer.from(requestOf(url, options.headers))
    this.#scanner = new FrameScanner(options.onFrame, options.onRetry)
    this.#decoder = new ResponseDecoder({
      onHead: (status) => {
        if (status !== 200) this.#close(`status ${status}`)
      },
      onBody: (bytes) => this.#scanner.push(bytes),
      onEnd: () => this.#close('the server ended the stream'),
    })
    void this.#open(url)
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

  async #open(url: URL): Promise<void> {
    const isSecure = url.protocol === 'https:'
    try {
      await Bun.connect({
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port || (isSecure ? 443 : 80)),
        tls: isSecure,
        socket: {
          open: (socket) => this.#onOpen(socket),
          handshake: (_socket, isTrusted, error) => {
            if (!isTrusted) this.#close(error?.message ?? 'the TLS handshake failed')
          },
          drain: () => this.#send(),
          data: (_socket, bytes) => {
            if (!this.#isClosed) this.#decoder.push(bytes)
          },
          close: () => this.#close('the connection was lost'),
          error: (_socket, error) => this.#close(error.message),
        },
      })
    } catch (error) {
      this.#close((error as Error).message)
    }
  }

  #onOpen(socket: Socket): void {
    this.#socket = socket
    if (this.#isClosed) socket.terminate()
    else this.#send()
  }

  /** A socket takes what fits, which is nothing before the end of a TLS handshake, and calls `drain` when it takes more. */
  #send(): void {
    if (this.#unsent.length === 0) return
    const taken = this.#socket?.write(this.#unsent) ?? 0
    this.#unsent = this.#unsent.subarray(Math.max(0, taken))
  }

  #close(problem: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket?.terminate()
    this.#options.onClose(problem)
  }
}

function requestOf(url: URL, headers: Record<string, string> = {}): string {
  const all = { host: url.host, accept: 'text/event-stream', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}
