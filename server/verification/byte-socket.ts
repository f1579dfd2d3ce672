import type { Socket } from 'bun'

/** Where to connect, and what to call back with. */
export interface ByteSocketOptions {
  /** `http` or `https`; its path is not used. */
  url: URL
  /** Receives bytes as they come; none after the end. */
  onBytes: (bytes: Uint8Array) => void
  /** Receives the number of bytes whenever some were sent or received. */
  onTraffic?: ((bytes: number) => void) | undefined
  /** Called once, with the reason: the connection ended, was cut or never opened. */
  onClose: (problem: string) => void
}

/**
 * A TCP or TLS connection. Leaner than `fetch`, so that a process can hold thousands, and it does what `fetch` and `WebSocket`
 * can't: stop reading, and end the connection without notice.
 */
export class ByteSocket {
  readonly #options: ByteSocketOptions
  #socket: Socket | undefined
  /** What the socket has not taken yet. */
  #unsent: Uint8Array = new Uint8Array()
  #isClosed = false

  constructor(options: ByteSocketOptions) {
    this.#options = options
    void this.#open(options.url)
  }

  /** Whether the connection has ended, or never began. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Sends bytes, as soon as the connection is open. */
  send(bytes: Uint8Array): void {
    this.#options.onTraffic?.(bytes.length)
    this.#unsent = this.#unsent.length === 0 ? bytes : Buffer.concat([this.#unsent, bytes])
    this.#flush()
  }

  /** Stops reading: what the server sends stays in the network's buffers. */
  pause(): void {
    this.#socket?.pause()
  }

  /** Reads again. */
  resume(): void {
    this.#socket?.resume()
  }

  /** Ends the connection at once. @param problem for `onClose` */
  close(problem: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket?.terminate()
    this.#options.onClose(problem)
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
            if (!isTrusted) this.close(error?.message ?? 'the TLS handshake failed')
          },
          drain: () => this.#flush(),
          data: (_socket, bytes) => this.#onData(bytes),
          close: () => this.close('the connection was lost'),
          error: (_socket, error) => this.close(error.message),
        },
      })
    } catch (error) {
      this.close((error as Error).message)
    }
  }

  #onOpen(socket: Socket): void {
    this.#socket = socket
    if (this.#isClosed) socket.terminate()
    else this.#flush()
  }

  #onData(bytes: Uint8Array): void {
    if (this.#isClosed) return
    this.#options.onTraffic?.(bytes.length)
    this.#options.onBytes(bytes)
  }

  /** A socket takes what fits, which is nothing before the end of a TLS handshake, and calls `drain` when it takes more. */
  #flush(): void {
    if (this.#unsent.length === 0) return
    const taken = this.#socket?.write(this.#unsent) ?? 0
    this.#unsent = this.#unsent.subarray(Math.max(0, taken))
  }
}

/** The bytes of a GET request (RFC 9112). */
export function getRequest(url: URL, headers: Record<string, string>): Uint8Array {
  const lines = Object.entries({ host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}`)
  return Buffer.from(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
}
