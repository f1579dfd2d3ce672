import { ByteSocket } from './byte-socket.ts'

/** A load: each connection sends its request again as soon as the response has arrived. */
export interface ClosedLoopOptions {
  url: URL
  connections: number
  /** The bytes of the request of a connection. */
  request: (connection: number) => Uint8Array
  /** Called with each response, as text. @throws {Error} when it is not as it should be: the load ends */
  onResponse: (response: string, connection: number) => void
}

/** The end of the head of a response (RFC 9112, section 2.1). */
const HEAD_END = '\r\n\r\n'
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i

/**
 * A closed loop of requests over connections that are kept alive, one request at a time on each. It parses no more of a response than
 * where it ends, so that one generator loads a server fully.
 */
export class ClosedLoop {
  readonly #options: ClosedLoopOptions
  readonly #sockets: ByteSocket[] = []
  readonly #finished = Promise.withResolvers<void>()
  #pending = 0
  #isStopping = false

  constructor(options: ClosedLoopOptions) {
    this.#options = options
    this.#finished.promise.catch(() => {})
  }

  /** Opens the connections, and sends the first request on each. */
  start(): void {
    for (let index = 0; index < this.#options.connections; index++) this.#open(index)
  }

  /** Resolves when every request has its response; the connections are then closed. @throws the first problem of the run */
  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.#pending === 0) this.#finished.resolve()
    try {
      await this.#finished.promise
    } finally {
      for (const socket of this.#sockets) socket.close('the load has ended')
    }
  }

  #open(index: number): void {
    const { url, request, onResponse } = this.#options
    const bytes = request(index)
    let received = ''
    const send = () => {
      this.#pending++
      socket.send(bytes)
    }
    const socket = new ByteSocket({
      url,
      onBytes: (chunk) => {
        received += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
        const end = endOfResponse(received)
        if (end === undefined) return
        const response = received
        received = ''
        this.#attempt(() => {
          if (end !== response.length)
            throw new Error(`unexpected bytes after a response: ${response.slice(end, end + 200)}`)
          onResponse(response, index)
        })
        this.#pending--
        if (!this.#isStopping) send()
        else if (this.#pending === 0) this.#finished.resolve()
      },
      onClose: (problem) => this.#isStopping || this.#finished.reject(new Error(problem)),
    })
    this.#sockets.push(socket)
    send()
  }

  #attempt(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#isStopping = true
      this.#finished.reject(error)
    }
  }
}

/** `undefined` while the response is not complete. @throws {Error} for a body without a length */
function endOfResponse(received: string): number | undefined {
  const head = received.indexOf(HEAD_END)
  if (head < 0) return undefined
  const length = CONTENT_LENGTH.exec(received)?.[1]
  if (length === undefined) throw new Error(`a response without Content-Length: ${received.slice(0, head)}`)
  const end = head + HEAD_END.length + Number(length)
  return received.length < end ? undefined : end
}
