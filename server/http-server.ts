import type { App } from './app.ts'
import { HEAD_TIMEOUT, limitRequestHeads } from './http/limits.ts'
import type { Config } from './platform/config.ts'
import { codeOf, messageOf } from './platform/errors.ts'
import { SECOND, sleep } from './platform/time.ts'

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
      // For the head of the first request; the front door gives every request a time of its own.
      idleTimeout: HEAD_TIMEOUT,
      // Errors are problem documents, never a page with a stack.
      development: false,
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
