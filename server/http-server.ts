import type { App } from './app.ts'
import { limitRequestHeads } from './http/limits.ts'
import type { Config } from './platform/config.ts'
import { codeOf, messageOf } from './platform/errors.ts'
import { SECOND, sleep } from './platform/time.ts'
import { MAX_SOCKET_MESSAGE } from './protocol/socket.ts'

/** The server can't listen where it should. */
export class ListenError extends Error {
  override name = 'ListenError'
  /** The code of the failure, such as `EADDRINUSE`; for a HOST without an address `ENOTFOUND`. */
  readonly code: string | undefined

  constructor(cause: unknown) {
    super(messageOf(cause), { cause })
    this.code = codeOf(cause)
  }
}

/** Seconds after which Bun closes a quiet connection. Streams are exempt: heartbeats and the stall timeout take over. */
const IDLE_TIMEOUT = 60

/**
 * Bun's settings of WebSockets. Dead peers are found by pings of their own: what the server sends puts Bun's idle timeout off.
 * What a socket keeps for a client that does not read is bounded by its sink; the limit is for pongs.
 */
const SOCKETS = {
  maxPayloadLength: MAX_SOCKET_MESSAGE,
  backpressureLimit: 2 ** 16,
  perMessageDeflate: false,
  idleTimeout: 0,
  sendPings: false,
}

/** The listening socket of an application. */
export class HttpServer {
  readonly #app: App
  readonly #config: Pick<Config, 'host' | 'port'>

  constructor(app: App, config: Pick<Config, 'host' | 'port'>) {
    this.#app = app
    this.#config = config
  }

  /** Where it listens, such as `http://127.0.0.1:8080`; empty before the start. */
  get url(): string {
    return this.#app.server?.url.href.replace(/\/$/, '') ?? ''
  }

  /** @throws {ListenError} when the port is taken, or the host is no address of this machine */
  start(): void {
    limitRequestHeads()
    try {
      this.#listen()
    } catch (error) {
      throw new ListenError(error)
    }
  }

  #listen(): void {
    this.#app.listen({
      hostname: this.#config.host,
      port: this.#config.port,
      // Elysia's default lets a second server take the same port without an error.
      reusePort: false,
      idleTimeout: IDLE_TIMEOUT,
      // Errors are problem documents, never a page with a stack.
      development: false,
      websocket: SOCKETS,
      // Readers of bodies count bytes themselves, and refuse what is too large with a problem document.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    })
  }

  /**
   * Stops accepting connections, and resolves when the requests under way have their responses.
   *
   * @param endStreams ends the responses that would not end by themselves
   */
  async finish(endStreams: () => void): Promise<void> {
    const server = this.#app.server
    const closed = server?.stop()
    endStreams()
    // `stop()` also waits for connections that are kept alive without a request.
    await Promise.race([closed, until(() => !server?.pendingRequests)])
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    await this.#app.server?.stop(true)
  }
}

/** Milliseconds between two checks of a condition that has no event. */
const POLL_INTERVAL = SECOND / 200

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(POLL_INTERVAL)
}
