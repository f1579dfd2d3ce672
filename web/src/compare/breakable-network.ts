import type { Connection, ConnectionEnd, OpenConnection } from '../sse/connection.ts'

/** What a client is told of a connection without a network. */
const NO_NETWORK: ConnectionEnd = { verdict: 'retry', retryAfter: undefined }

/** A network that can be cut, inside the page: its connections are dropped, and new ones fail, until it is restored. */
export class BreakableNetwork {
  readonly #drops = new Set<() => void>()
  #isCut = false

  /** Whether there is no network. */
  get isCut(): boolean {
    return this.#isCut
  }

  /** Drops every connection. */
  cut(): void {
    this.#isCut = true
    for (const drop of [...this.#drops]) drop()
  }

  /** Lets new connections through again. */
  restore(): void {
    this.#isCut = false
  }

  /** Opens connections over this network. */
  over(open: OpenConnection): OpenConnection {
    return (transport, request, handlers) => {
      if (this.#isCut) return fail(() => handlers.onEnd(NO_NETWORK))
      const connection = open(transport, request, handlers)
      const drop = () => {
        this.#drops.delete(drop)
        connection.close()
        handlers.onEnd(NO_NETWORK)
      }
      this.#drops.add(drop)
      return {
        close: () => {
          this.#drops.delete(drop)
          connection.close()
        },
      }
    }
  }
}

/** A connection that fails as soon as its owner has it. */
function fail(report: () => void): Connection {
  let isClosed = false
  queueMicrotask(() => {
    if (!isClosed) report()
  })
  return {
    close: () => {
      isClosed = true
    },
  }
}
