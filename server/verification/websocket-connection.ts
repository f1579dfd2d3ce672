import { SUBPROTOCOL } from '../protocol/close-codes.ts'
import { ByteSocket, getRequest } from './byte-socket.ts'
import type { Connection, ConnectionOptions } from './connection.ts'
import { scanMessages } from './message-scanner.ts'
import { ResponseDecoder } from './response-decoder.ts'
import { controlFrame, OPCODE, WebSocketDecoder } from './websocket-decoder.ts'

/** A stream over a WebSocket. Bun's own client can't stop reading, and would hide how a connection ends. */
export class WebSocketConnection implements Connection {
  readonly #socket: ByteSocket

  constructor({
    url: address,
    headers = () => ({}),
    cursor,
    onFrame,
    onRetry = () => {},
    onTraffic,
    onClose,
  }: ConnectionOptions) {
    const url = new URL(address)
    const frames = new WebSocketDecoder({
      onMessage: (text) => scanMessages(text, { onFrame, onRetry }),
      onControl: (opcode, payload) => this.#onControl(opcode, payload),
    })
    const handshake = new ResponseDecoder({
      onHead: (status) => {
        if (status !== 101) this.#socket.close(`status ${status}`)
      },
      onBody: (bytes) => frames.push(bytes),
      onEnd: () => this.#socket.close('the server ended the stream'),
    })
    this.#socket = new ByteSocket({ url, onBytes: (bytes) => handshake.push(bytes), onTraffic, onClose })
    const resuming = cursor === undefined ? {} : { 'last-event-id': cursor }
    this.#socket.send(getRequest(url, { ...handshakeHeaders(), ...headers(), ...resuming }))
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

  #onControl(opcode: number, payload: string): void {
    if (opcode === OPCODE.ping) this.#socket.send(controlFrame(OPCODE.pong, payload))
    if (opcode !== OPCODE.close) return
    const code = payload.charCodeAt(0) * 256 + payload.charCodeAt(1)
    this.#socket.close(`the server closed the WebSocket with ${code} ${payload.slice(2)}`)
  }
}

const handshakeHeaders = () => ({
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64'),
  'sec-websocket-protocol': SUBPROTOCOL,
})
