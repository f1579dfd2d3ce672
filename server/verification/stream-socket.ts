import { ByteSocket, getRequest } from './byte-socket.ts'
import type { Connection, ConnectionOptions } from './connection.ts'
import { FrameScanner } from './frame-scanner.ts'
import { ResponseDecoder } from './response-decoder.ts'

/** One event stream (SSE) over a socket of its own. */
export class StreamSocket implements Connection {
  readonly #socket: ByteSocket

  constructor({ url: address, headers = () => ({}), cursor, onFrame, onRetry, onTraffic, onClose }: ConnectionOptions) {
    const url = new URL(address)
    const scanner = new FrameScanner(onFrame, onRetry)
    const decoder = new ResponseDecoder({
      onHead: (status) => {
        if (status !== 200) this.#socket.close(`status ${status}`)
      },
      onBody: (bytes) => scanner.push(bytes),
      onEnd: () => this.#socket.close('the server ended the stream'),
    })
    this.#socket = new ByteSocket({ url, onBytes: (bytes) => decoder.push(bytes), onTraffic, onClose })
    const resuming = cursor === undefined ? {} : { 'last-event-id': cursor }
    this.#socket.send(getRequest(url, { accept: 'text/event-stream', ...headers(), ...resuming }))
  }

  get isClosed(): boolean {
    return this.#socket.isClosed
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.close('closed')
  }
}
