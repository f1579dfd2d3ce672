import type { App } from './app.ts'
import { AcceptGate } from './http/accept-gate.ts'
import { HEAD_TIMEOUT, limitRequestHeads } from './http/limits.ts'
import type { Config } from './platform/config.ts'
import { createDescriptorCount, reservedDescriptors } from './platform/descriptors.ts'
import { codeOf, messageOf } from './platform/errors.ts'
import type { Logger } from './platform/logger.ts'
import { SECOND, sleep } from './platform/time.ts'
import { type Certificate, tlsOptions } from './platform/tls.ts'
import { MAX_SOCKET_MESSAGE } from './protocol/socket.ts'
import type { Telemetry } from './telemetry/telemetry.ts'

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

/** What {@link HttpServer} needs besides the application. */
export interface HttpServerOptions {
  config: Pick<Config, 'host' | 'port' | 'http3'>
  /** Whether other processes of its group listen at the same port. Without it, a port that is taken is an error. */
  isShared: boolean
  /** For TLS and HTTP/2; without it, plain HTTP/1.1 is served. */
  certificate: Certificate | undefined
  telemetry: Pick<Telemetry, 'limitReached'>
  logger: Pick<Logger, 'warn' | 'error'>
}

type Server = NonNullable<App['server']>

/** What a WebSocket is given to when it is opened: its messages, and its end. */
type SocketHandler = Partial<Bun.WebSocketHandler<SocketHandler>>

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
  // As Elysia forwards them: all that it does, because `Bun.serve` has these alone after a pause.
  open: (socket) => void socket.data.open?.(socket),
  message: (socket, message) => void socket.data.message?.(socket, message),
  ping: (socket, data) => void socket.data.ping?.(socket, data),
  pong: (socket, data) => void socket.data.pong?.(socket, data),
  drain: (socket) => void socket.data.drain?.(socket),
  close: (socket, code, reason) => void socket.data.close?.(socket, code, reason),
} satisfies Bun.WebSocketHandler<SocketHandler>

/** The listening socket of an application. It is closed while nearly all file descriptors are in use. */
export class HttpServer {
  readonly #app: App
  readonly #config: HttpServerOptions['config']
  readonly #isShared: boolean
  readonly #gate: AcceptGate
  #certificate: Certificate | undefined
  /** Where it listens. Bun forgets the port of a server that was stopped, which matters where it was chosen by the system. */
  #port: number
  /** Whether the gate is shut: no connections are accepted. */
  #isPaused = false
  /** The present one, and those before a pause, whose streams are open. */
  readonly #servers = new Set<Server>()

  constructor(app: App, { config, isShared, certificate, telemetry, logger }: HttpServerOptions) {
    this.#app = app
    this.#config = config
    this.#isShared = isShared
    this.#certificate = certificate
    this.#port = config.port
    this.#gate = new AcceptGate({
      count: createDescriptorCount(),
      reserve: reservedDescriptors,
      pause: () => {
        this.#isPaused = true
        void this.#stopAccepting()
      },
      resume: () => {
        this.#listenAgain()
        this.#isPaused = false
      },
      telemetry,
      logger,
    })
  }

  /** Where it listens, such as `http://127.0.0.1:8080`; empty before the start. */
  get url(): string {
    return this.#app.server?.url.href.replace(/\/$/, '') ?? ''
  }

  /** @throws {ListenError} when the port is taken, or the host is no address of this machine */
  start(): void {
    limitRequestHeads()
    try {
      this.#app.listen(this.#options())
    } catch (error) {
      throw new ListenError(error)
    }
    this.#add(this.#app.server)
    this.#gate.start()
  }

  /**
   * Uses another certificate for new connections. The present ones continue with the earlier one until their requests and streams
   * have ended. `server.reload` does not replace certificates, so the socket is closed and opened again, in one turn of the loop.
   *
   * @throws {Error} when another process has taken the port in between
   */
  useCertificate(certificate: Certificate): void {
    this.#certificate = certificate
    // Otherwise it is used when connections are accepted again.
    if (this.#isPaused) return
    void this.#stopAccepting()
    this.#listenAgain()
  }

  /**
   * Stops accepting connections, and resolves when the requests under way have their responses.
   *
   * @param endStreams ends the responses that would not end by themselves
   */
  async finish(endStreams: () => void): Promise<void> {
    this.#gate.stop()
    const closed = this.#stopAccepting()
    endStreams()
    // `stop()` also waits for connections that are kept alive without a request.
    await Promise.race([closed, until(() => [...this.#servers].every(({ pendingRequests }) => pendingRequests === 0))])
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    this.#gate.stop()
    await Promise.all([...this.#servers].map((server) => server.stop(true)))
  }

  /** Resolves when no connection is open. */
  async #stopAccepting(): Promise<void> {
    await Promise.all(
      [...this.#servers].map(async (server) => {
        await server.stop()
        this.#servers.delete(server)
      }),
    )
  }

  /** Bun can't reopen the socket of a server. Requests of the earlier one use the new one for their address and time limits. */
  #listenAgain(): void {
    const app = this.#app
    app.server = Bun.serve({ ...this.#options(), fetch: app.fetch }) as Server
    this.#add(app.server)
  }

  #add(server: Server | null): void {
    if (!server) return
    this.#servers.add(server)
    this.#port = server.port ?? this.#port
  }

  #options() {
    return {
      hostname: this.#config.host,
      port: this.#port,
      // Elysia's default, `true`, lets a second server take the same port without an error. A group has checked that it is free.
      reusePort: this.#isShared,
      // For the head of the first request; the front door gives every request a time of its own.
      idleTimeout: HEAD_TIMEOUT,
      // Errors are problem documents, never a page with a stack.
      development: false,
      websocket: SOCKETS,
      // Readers of bodies count bytes themselves, and refuse what is too large with a problem document.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      ...(this.#certificate && tlsOptions(this.#certificate, this.#config.http3 === 'on')),
    } as const
  }
}

/**
 * The port that a group of processes can share: that of the settings, or for `0` a free one. It is not kept: another program may
 * take it before the group does.
 *
 * @throws {ListenError} when it is taken, or the host is no address of this machine
 */
export async function findPort({ host, port }: Pick<Config, 'host' | 'port'>): Promise<number> {
  try {
    const probe = Bun.serve({ hostname: host, port, reusePort: false, fetch: () => new Response() })
    const found = probe.port ?? port
    await probe.stop(true)
    return found
  } catch (error) {
    throw new ListenError(error)
  }
}

/** Milliseconds between two checks of a condition that has no event. */
const POLL_INTERVAL = SECOND / 200

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(POLL_INTERVAL)
}
